"""What each session and tenant has open at this process."""

from collections import Counter, defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from tidemill_contracts.identity import Principal
from tidemill_kit.auth import Authenticator
from tidemill_kit.errors import TooMany


class TooManySockets(TooMany):
    """The tenant has as many open streams as tenant_sockets allows."""


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

    def __init__(self, authenticator: Authenticator, tenant_sockets: int) -> None:
        self.authenticator = authenticator
        self._tenant_sockets = tenant_sockets
        self._open: defaultdict[UUID, set[Opened]] = defaultdict(set)
        self._of_tenant = Counter[UUID]()

    def check(self, principal: Principal) -> None:
        """Raises TooManySockets where the tenant may open no more."""
        if self._of_tenant[principal.tenant_id] >= self._tenant_sockets:
            raise TooManySockets

    @contextmanager
    def holding(self, principal: Principal, opened: Opened) -> Generator[None]:
        """Count this as open while the context lasts; raises TooManySockets."""
        self.check(principal)
        self._of_tenant[principal.tenant_id] += 1
        self._open[principal.session_id].add(opened)
        try:
            yield
        finally:
            self._open[principal.session_id].discard(opened)
            if not self._open[principal.session_id]:
                del self._open[principal.session_id]
            self._of_tenant[principal.tenant_id] -= 1
            self._of_tenant += Counter()

    def revoke(self, session_id: UUID) -> None:
        """Refuse the session's tokens and close what it has open."""
        self.authenticator.revoke(session_id)
        for opened in tuple(self._open.get(session_id, ())):
            opened.revoked()

    def stop(self) -> None:
        """Close whatever is open."""
        for opened in [item for held in self._open.values() for item in held]:
            opened.stopped()
