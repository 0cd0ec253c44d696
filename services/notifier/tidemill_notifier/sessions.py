"""What each session, user and tenant has open at this process."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from prometheus_client import Gauge

from tidemill_contracts.identity import Principal
from tidemill_kit.auth import Authenticator
from tidemill_kit.errors import TooMany

OPEN = Gauge("tidemill_streams_open", "Sockets and feeds that are open.")


class TooManySockets(TooMany):
    """As many streams are open as a limit allows."""


class Opened(Protocol):
    """A socket or a feed."""

    def revoked(self) -> None:
        """End now: the session is void."""
        ...

    def stopped(self) -> None:
        """End now: the process is stopping."""
        ...


class Sessions:
    """Ends what a session has open when the session is revoked."""

    def __init__(
        self, authenticator: Authenticator, *, tenant_sockets: int, user_sockets: int
    ) -> None:
        self.authenticator = authenticator
        self._limits = {"tenant_sockets": tenant_sockets, "user_sockets": user_sockets}
        self._open: dict[Opened, Principal] = {}
        self._counts = Counter[UUID]()

    def check(self, principal: Principal) -> None:
        """Raises TooManySockets, with the limit's name, where no more may be opened."""
        owners = (principal.tenant_id, principal.user_id)
        for owner, (name, limit) in zip(owners, self._limits.items(), strict=True):
            if self._counts[owner] >= limit:
                raise TooManySockets(f"{name} is {limit}", limit=name)

    @contextmanager
    def holding(self, principal: Principal, opened: Opened) -> Generator[None]:
        """Count this as open while the context lasts; raises TooManySockets."""
        self.check(principal)
        owners = (principal.tenant_id, principal.user_id)
        self._counts.update(owners)
        self._open[opened] = principal
        try:
            with OPEN.track_inprogress():
                yield
        finally:
            del self._open[opened]
            self._counts.subtract(owners)
            for owner in owners:
                if not self._counts[owner]:
                    del self._counts[owner]

    def revoke(self, *session_ids: UUID) -> None:
        """Refuse the sessions' tokens and close what they have open."""
        self.authenticator.revoke(*session_ids)
        for opened, principal in tuple(self._open.items()):
            if principal.session_id in session_ids:
                opened.revoked()

    def disable(self, user_id: UUID) -> None:
        """End every session of which this user has something open."""
        theirs = (each for each in self._open.values() if each.user_id == user_id)
        self.revoke(*{principal.session_id for principal in theirs})

    def stop(self) -> None:
        """Close whatever is open."""
        for opened in tuple(self._open):
            opened.stopped()
