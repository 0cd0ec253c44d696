"""Who is at the other end of a socket, and for how long."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from tidemill_contracts.identity import Principal, Role
from tidemill_contracts.stream import AuthExpiring, CloseCode
from tidemill_kit.auth import Authenticator, TokenExpired
from tidemill_kit.errors import NotSignedIn, Unavailable


class Caller:
    """Takes tokens for one socket: the first names the caller, later ones must be the same's."""

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        warning_s: float,
        warn: Callable[[AuthExpiring], None],
        end: Callable[[int, str], None],
    ) -> None:
        self._authenticator = authenticator
        self._warning_s = warning_s
        self._warn = warn
        self._end = end
        self._timers: list[asyncio.TimerHandle] = []
        self._token = ""
        self.principal: Principal | None = None

    async def sign_in(self, token: str) -> Principal | None:
        """The caller of this token; where it is not good the socket ends."""
        try:
            principal = await self._authenticator.principal(token)
        except TokenExpired as error:
            return self._end(CloseCode.TOKEN_EXPIRED, str(error))
        except NotSignedIn as error:
            return self._end(CloseCode.NOT_SIGNED_IN, str(error))
        except Unavailable as error:
            return self._end(CloseCode.RESTART, error.code())
        if self.principal is not None and _rights(principal) != _rights(self.principal):
            return self._end(CloseCode.FORBIDDEN, "the token is for somebody else")
        if principal != self.principal:
            self.principal, self._token = principal, token
            self._watch(principal)
        return principal

    async def still(self) -> Principal | None:
        """The caller, if its token is good at this moment."""
        return await self.sign_in(self._token)

    def leave(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers = []

    def _watch(self, principal: Principal) -> None:
        """Warn before the token ends, and end the socket when it does."""
        self.leave()
        loop, left = asyncio.get_running_loop(), _left_s(principal)
        self._timers = [
            loop.call_later(max(left - self._warning_s, 0.0), self._warn_of, principal),
            loop.call_later(left, self._end, CloseCode.TOKEN_EXPIRED, TokenExpired.title()),
        ]

    def _warn_of(self, principal: Principal) -> None:
        self._warn(AuthExpiring(max(round(_left_s(principal)), 0)))


def _left_s(principal: Principal) -> float:
    return (principal.expires_at - datetime.now(UTC)).total_seconds()


def _rights(principal: Principal) -> tuple[UUID, UUID, Role]:
    return principal.tenant_id, principal.user_id, principal.role
