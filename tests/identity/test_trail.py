"""The audit trail: who did what, page by page, and nobody changes it."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from tests.identity.people import Person, registered


@pytest.fixture
async def ann(identity: Any) -> Person:
    return await registered(identity)


async def test_the_trail_tells_who_did_what_page_by_page(ann: Person) -> None:
    bob = await ann.invites("viewer")
    await ann.ask("PATCH", f"/v1/members/{bob.user['id']}", json={"role": "operator"})
    await ann.identity.http.post("/v1/auth/token", json={"email": ann.email, "password": "no"})

    found = await ann.audited()
    first = await ann.ask("GET", "/v1/audit", params={"limit": 2})
    rest = await ann.ask("GET", first.links["next"]["url"])

    assert [(each["action"], each["outcome"]) for each in found] == [
        ("session.opened", "refused"),
        ("member.role_changed", "done"),
        ("session.opened", "done"),
        ("invitation.accepted", "done"),
        ("invitation.created", "done"),
        ("session.opened", "done"),
        ("user.registered", "done"),
    ]
    assert {each["address"] for each in found} == {"127.0.0.1"}
    assert first.json()["items"] + rest.json()["items"] == found[:4]
    changed = await ann.audited(action="member.role_changed", actor_id=ann.user["id"])
    assert changed[0]["details"] == {"role": "operator", "before": "viewer"}


@pytest.mark.parametrize("change", ["update audit set action = ''", "delete from audit"])
async def test_nobody_changes_the_trail(identity: Any, ann: Person, change: str) -> None:
    assert ann

    with pytest.raises(ProgrammingError, match="permission denied"):
        async with identity.app.state.database.transaction() as connection:
            await connection.execute(text(change))
