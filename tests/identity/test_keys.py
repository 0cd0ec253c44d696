"""API keys: shown once, no more than their owner, good for every call until they are revoked."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.identity.people import Person, code_of, registered


@pytest.fixture
async def ann(identity: Any) -> Person:
    return await registered(identity)


async def a_key(person: Person, **fields: Any) -> dict[str, Any]:
    answer = await person.ask("POST", "/v1/api-keys", json={"name": "ci", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def by(key: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key['key']}"}


async def test_a_key_speaks_for_its_owner(ann: Person) -> None:
    key = await a_key(ann, role="viewer")

    me = await ann.ask("GET", "/v1/me", headers=by(key))

    assert key["key"].startswith("tm_live_")
    assert key["key"].startswith(key["prefix"])
    assert (me.status_code, me.json()["email"]) == (200, ann.email)


async def test_a_key_is_shown_once_and_stored_as_a_digest(identity: Any, ann: Person) -> None:
    key = await a_key(ann)

    listed = (await ann.ask("GET", "/v1/api-keys")).json()["items"]
    async with identity.app.state.database.transaction() as connection:
        rows = await connection.scalars(text("select k::text from api_keys k"))
        kept = [row for row in rows if key["key"] in row]

    assert [(each["id"], "key" in each) for each in listed] == [(key["id"], False)]
    assert kept == []


async def test_a_key_that_was_used_says_when(ann: Person) -> None:
    key = await a_key(ann)
    await ann.ask("GET", "/v1/me", headers=by(key))

    listed = (await ann.ask("GET", "/v1/api-keys")).json()["items"]

    assert (key["last_used_at"], listed[0]["last_used_at"] is None) == (None, False)


async def test_a_repeated_request_makes_one_key_and_keeps_no_secret(ann: Person) -> None:
    order: dict[str, Any] = {"json": {"name": "ci"}, "headers": {"Idempotency-Key": uuid4().hex}}

    first = await ann.ask("POST", "/v1/api-keys", **order)
    again = await ann.ask("POST", "/v1/api-keys", **order)

    assert first.json()["id"] == again.json()["id"]
    assert ("key" in first.json(), "key" in again.json()) == (True, False)
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_key_does_no_more_than_its_role(ann: Person) -> None:
    key = await a_key(ann, role="operator")

    answer = await ann.ask("GET", "/v1/audit", headers=by(key))

    assert code_of(answer) == (403, "forbidden")


async def test_nobody_makes_a_key_above_the_own_role(ann: Person) -> None:
    viewer = await ann.invites("viewer")

    answer = await viewer.ask("POST", "/v1/api-keys", json={"name": "ci", "role": "operator"})

    assert code_of(answer) == (403, "role_too_high")


async def test_a_key_makes_no_key_and_changes_no_password(ann: Person) -> None:
    key = await a_key(ann, role="admin")
    change = {"old_password": "a good pass phrase", "new_password": "another good phrase"}

    made = await ann.ask("POST", "/v1/api-keys", json={"name": "more"}, headers=by(key))
    changed = await ann.ask("POST", "/v1/me/password", json=change, headers=by(key))

    assert code_of(made) == (403, "not_by_key")
    assert code_of(changed) == (403, "not_by_key")


async def test_a_revoked_key_is_refused_at_once(ann: Person) -> None:
    key = await a_key(ann)
    await ann.ask("GET", "/v1/me", headers=by(key))

    gone = await ann.ask("DELETE", f"/v1/api-keys/{key['id']}")
    after = await ann.ask("GET", "/v1/me", headers=by(key))
    twice = await ann.ask("DELETE", f"/v1/api-keys/{key['id']}")

    assert (gone.status_code, after.status_code) == (204, 401)
    assert code_of(twice) == (404, "api_key_not_found")


async def test_a_key_ends_at_its_time(identity: Any, ann: Person) -> None:
    key = await a_key(ann, expires_at="2999-01-01T00:00:00Z")
    async with identity.app.state.database.transaction() as connection:
        end = text("update api_keys set expires_at = now() where id = cast(:id as uuid)")
        await connection.execute(end, {"id": key["id"]})

    answer = await ann.ask("GET", "/v1/me", headers=by(key))

    assert code_of(answer) == (401, "api_key_invalid")


async def test_a_key_cannot_begin_in_the_past(ann: Person) -> None:
    order = {"name": "ci", "expires_at": "2020-01-01T00:00:00Z"}

    answer = await ann.ask("POST", "/v1/api-keys", json=order)

    assert code_of(answer) == (422, "time_passed")


@pytest.mark.parametrize("key", ["tm_live_", "tm_live_guess"])
async def test_a_guessed_key_is_refused(ann: Person, key: str) -> None:
    answer = await ann.ask("GET", "/v1/me", headers={"Authorization": f"Bearer {key}"})

    assert code_of(answer) == (401, "api_key_invalid")


async def test_members_see_their_own_keys_and_admins_all(ann: Person) -> None:
    bob = await ann.invites("operator")
    mine, his = await a_key(ann), await a_key(bob)

    anns = (await ann.ask("GET", "/v1/api-keys")).json()["items"]
    bobs = (await bob.ask("GET", "/v1/api-keys")).json()["items"]
    refused = await bob.ask("DELETE", f"/v1/api-keys/{mine['id']}")
    revoked = await ann.ask("DELETE", f"/v1/api-keys/{his['id']}")

    assert [each["id"] for each in anns] == [his["id"], mine["id"]]
    assert [each["id"] for each in bobs] == [his["id"]]
    assert code_of(refused) == (404, "api_key_not_found")
    assert revoked.status_code == 204


async def test_another_tenants_key_looks_like_none(identity: Any, ann: Person) -> None:
    key, other = await a_key(ann), await registered(identity)

    answer = await other.ask("DELETE", f"/v1/api-keys/{key['id']}")

    assert code_of(answer) == (404, "api_key_not_found")
    assert (await other.ask("GET", "/v1/api-keys")).json()["items"] == []


async def test_what_was_done_with_keys_is_in_the_trail(ann: Person) -> None:
    key = await a_key(ann)
    await ann.ask("DELETE", f"/v1/api-keys/{key['id']}")

    entries = await ann.audited(target=key["id"])

    assert [each["action"] for each in entries] == ["api_key.revoked", "api_key.created"]
    assert {each["actor"] for each in entries} == {ann.email}
    assert {(each["via"], each["outcome"]) for each in entries} == {("session", "done")}
