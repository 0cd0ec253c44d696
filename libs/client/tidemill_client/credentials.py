"""Sign-ins kept on disk for the command, one for each address, readable by their owner alone."""

import asyncio
import fcntl
import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tidemill_client.keyring import Grant, Keyring

OWNER_ONLY = 0o600


class SignedIn(Struct, frozen=True, kw_only=True):
    email: str
    grant: Grant


class Kept(Struct, frozen=True, kw_only=True):
    """The file: sign-ins by address, and the address used when none is named."""

    current: str | None = None
    by_url: dict[str, SignedIn] = field(default_factory=dict[str, SignedIn])


class Credentials:
    """The file below the configuration folder; every write replaces it whole."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "credentials.json"

    def read(self) -> Kept:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Kept)
        except (FileNotFoundError, msgspec.MsgspecError):
            return Kept()

    def sign_in(self, url: str, email: str, grant: Grant) -> None:
        by_url = self.read().by_url | {url: SignedIn(email=email, grant=grant)}
        self._write(Kept(current=url, by_url=by_url))

    def sign_out(self, url: str) -> None:
        kept = self.read()
        by_url = {each: known for each, known in kept.by_url.items() if each != url}
        self._write(Kept(current=None if kept.current == url else kept.current, by_url=by_url))

    def renew(self, url: str, grant: Grant) -> None:
        kept = self.read()
        if known := kept.by_url.get(url):
            by_url = kept.by_url | {url: SignedIn(email=known.email, grant=grant)}
            self._write(Kept(current=kept.current, by_url=by_url))

    def _write(self, kept: Kept) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=self.path.parent, prefix=".credentials-")
        with os.fdopen(number, "wb") as file:
            os.fchmod(number, OWNER_ONLY)
            file.write(msgspec.json.format(msgspec.json.encode(kept)))
        Path(name).replace(self.path)


class StoredKeyring(Keyring):
    """Shares its grant with every process that reads the same credentials."""

    def __init__(self, credentials: Credentials, url: str) -> None:
        super().__init__()
        self._credentials = credentials
        self._url = url
        self._reread()

    def keep(self, grant: Grant | None) -> None:
        super().keep(grant)
        if grant:
            self._credentials.renew(self._url, grant)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        path = self._credentials.path.with_suffix(".lock")
        async with super().turn():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("w", encoding="ascii") as lock:
                await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
                self._reread()
                yield

    def _reread(self) -> None:
        known = self._credentials.read().by_url.get(self._url)
        self.grant = known.grant if known else None
