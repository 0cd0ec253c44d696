"""What is open: counted by tenant and user, ended with a session or a user."""

from contextlib import ExitStack
from uuid import UUID

import pytest

from tidemill_contracts.identity import Principal, Role
from tidemill_contracts.ids import now, uuid7
from tidemill_kit.auth import Authenticator
from tidemill_notifier.sessions import Sessions, TooManySockets
from tidemill_notifier.settings import NotifierSettings

TENANT, ANN = uuid7(), uuid7()


class Open:
    """A socket that remembers how it was ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def revoked(self) -> None:
        self.ended.append("revoked")

    def stopped(self) -> None:
        self.ended.append("stopped")


def principal(user_id: UUID = ANN, *, tenant_id: UUID = TENANT) -> Principal:
    return Principal(user_id, tenant_id, Role.VIEWER, uuid7(), now())


@pytest.fixture
def sessions() -> Sessions:
    return Sessions(Authenticator(NotifierSettings()), tenant_sockets=3, user_sockets=2)


def test_a_refusal_names_the_limit(sessions: Sessions) -> None:
    with ExitStack() as held:
        for user_id in (ANN, ANN, uuid7()):
            held.enter_context(sessions.holding(principal(user_id), Open()))

        with pytest.raises(TooManySockets, match="tenant_sockets is 3"):
            sessions.check(principal(uuid7()))
        with pytest.raises(TooManySockets, match="user_sockets is 2"):
            sessions.check(principal(ANN, tenant_id=uuid7()))


def test_what_is_closed_makes_room(sessions: Sessions) -> None:
    for _ in range(5):
        with sessions.holding(principal(), Open()), sessions.holding(principal(), Open()):
            pass

    sessions.check(principal())


def test_a_revoked_session_and_a_disabled_user_end_what_is_theirs(sessions: Sessions) -> None:
    mine, other, theirs = Open(), Open(), Open()
    session = principal()
    with (
        sessions.holding(session, mine),
        sessions.holding(principal(), other),
        sessions.holding(principal(uuid7()), theirs),
    ):
        sessions.revoke(session.session_id)
        first = (mine.ended, other.ended[:], theirs.ended)
        sessions.disable(ANN)

    assert first == (["revoked", "revoked"], [], [])
    assert (other.ended, theirs.ended) == (["revoked"], [])
