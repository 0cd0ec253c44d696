"""The tokens a client shows, and how they are renewed once for all who share them."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from msgspec import Struct

from tidemill_contracts.identity import TokenPair

MARGIN_S = 30.0


class Grant(Struct, frozen=True, kw_only=True):
    """An access token with the Unix time of its end, and what renews it; None means neither."""

    access_token: str
    refresh_token: str | None = None
    expires_at: float | None = None

    def ends_within(self, seconds: float, *, at: float) -> bool:
        return self.expires_at is not None and self.expires_at - at < seconds


def granted(pair: TokenPair, *, at: float | None = None) -> Grant:
    """What a sign-in or a refresh gave, counted from now."""
    return Grant(
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        expires_at=(time.time() if at is None else at) + pair.expires_in,
    )


class Keyring:
    """Holds a grant in memory; a refresh token is good for one use, so one renews at a time."""

    def __init__(self, grant: Grant | None = None) -> None:
        self.grant = grant
        self._turn = asyncio.Lock()

    def keep(self, grant: Grant | None) -> None:
        self.grant = grant

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Only one renews; inside, `grant` is what the one before left."""
        async with self._turn:
            yield
