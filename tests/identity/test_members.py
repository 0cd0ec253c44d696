"""Members: invited, changed, removed; passwords and sessions; the tenant's end; the trail."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.identity.people import PASSWORD, Person, an_email, code_of, registered, signed_in

type StartIdentity = Callable[..., Awaitable[Any]]


@pytest.fixture
async def ann(identity: Any) -> Person:
    return await registered(identity)


async def test_an_invitation_makes_a_member_once(ann: Person) -> None:
    email = an_email()
    made = await ann.ask("POST", "/v1/invitations", json={"email": email, "role": "viewer"})
    path = f"/v1/invitations/{made.json()['token']}/accept"

    first = await ann.identity.http.post(path, json={"password": PASSWORD})
    second = await ann.identity.http.post(path, json={"password": PASSWORD})

    user = first.json()["user"]
    assert (made.status_code, first.status_code) == (201, 201)
    assert (user["role"], user["tenant_id"]) == ("viewer", ann.user["tenant_id"])
    assert code_of(second) == (403, "invitation_invalid")
    members = (await ann.ask("GET", "/v1/members")).json()["items"]
    assert [member["email"] for member in members] == [ann.email, email]


async def test_a_withdrawn_or_old_invitation_is_void(identity: Any, ann: Person) -> None:
    invited = [
        (await ann.ask("POST", "/v1/invitations", json={"email": an_email()})).json()
        for _ in range(2)
    ]
    await ann.ask("DELETE", f"/v1/invitations/{invited[0]['id']}")
    async with identity.app.state.database.transaction() as connection:
        age = text("update invitations set expires_at = now() where id = cast(:id as uuid)")
        await connection.execute(age, {"id": invited[1]["id"]})

    paths = [f"/v1/invitations/{each['token']}/accept" for each in invited]
    answers = [await identity.http.post(path, json={"password": PASSWORD}) for path in paths]

    assert {code_of(answer) for answer in answers} == {(403, "invitation_invalid")}
    assert (await ann.ask("GET", "/v1/invitations")).json()["items"] == []


@pytest.mark.parametrize(
    ("registration", "status"), [("open", 201), ("invite", 201), ("closed", 403)]
)
async def test_invitations_follow_who_may_register(
    start: StartIdentity, ann: Person, registration: str, status: int
) -> None:
    identity = await start(registration=registration)
    here = await signed_in(identity, ann.email, ann.user)

    answer = await here.ask("POST", "/v1/invitations", json={"email": an_email()})

    assert answer.status_code == status


async def test_a_taken_address_does_not_use_up_the_invitation(ann: Person) -> None:
    other = await registered(ann.identity)
    made = await ann.ask("POST", "/v1/invitations", json={"email": other.email})

    path = f"/v1/invitations/{made.json()['token']}/accept"
    answer = await ann.identity.http.post(path, json={"password": PASSWORD})

    assert code_of(answer) == (409, "email_taken")
    assert len((await ann.ask("GET", "/v1/invitations")).json()["items"]) == 1


async def test_a_member_with_fewer_rights_signs_in_again(ann: Person) -> None:
    bob = await ann.invites("admin")
    key = (await bob.ask("POST", "/v1/api-keys", json={"name": "k", "role": "admin"})).json()

    changed = await ann.ask("PATCH", f"/v1/members/{bob.user['id']}", json={"role": "viewer"})
    before = await bob.ask("GET", "/v1/me")
    by_key = await bob.ask("GET", "/v1/me", headers={"Authorization": f"Bearer {key['key']}"})
    again = await bob.sign_in()
    refused = await again.ask("GET", "/v1/audit")

    assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
    assert (before.status_code, by_key.status_code) == (401, 401)
    assert code_of(refused) == (403, "forbidden")


async def test_the_last_admin_stays(ann: Person) -> None:
    path = f"/v1/members/{ann.user['id']}"

    demoted = await ann.ask("PATCH", path, json={"role": "operator"})
    left = await ann.ask("DELETE", path)

    assert code_of(demoted) == code_of(left) == (409, "last_admin")


async def test_two_admins_who_remove_each_other_leave_one(ann: Person) -> None:
    bob = await ann.invites("admin")

    answers = await asyncio.gather(
        ann.ask("DELETE", f"/v1/members/{bob.user['id']}"),
        bob.ask("DELETE", f"/v1/members/{ann.user['id']}"),
    )

    assert 204 in {answer.status_code for answer in answers}
    query = text("select count(*) from users where tenant_id = :id and disabled_at is null")
    async with ann.identity.app.state.database.transaction() as connection:
        assert await connection.scalar(query, {"id": ann.user["tenant_id"]}) == 1


async def test_a_removed_member_is_out_and_the_address_is_free(ann: Person) -> None:
    bob = await ann.invites("operator")

    gone = await ann.ask("DELETE", f"/v1/members/{bob.user['id']}")
    me = await bob.ask("GET", "/v1/me")
    body = {"email": bob.email, "password": PASSWORD}
    anew = await ann.identity.http.post("/v1/auth/register", json=body)

    assert (gone.status_code, me.status_code, anew.status_code) == (204, 401, 201)
    assert anew.json()["tenant"]["id"] != ann.user["tenant_id"]


async def test_a_member_may_leave_and_remove_nobody_else(ann: Person) -> None:
    bob = await ann.invites("operator")

    refused = await bob.ask("DELETE", f"/v1/members/{ann.user['id']}")
    left = await bob.ask("DELETE", f"/v1/members/{bob.user['id']}")

    assert code_of(refused) == (403, "forbidden")
    assert left.status_code == 204


ADMINS_ONLY = [
    ("GET", "/v1/audit", {}),
    ("GET", "/v1/invitations", {}),
    ("POST", "/v1/invitations", {"json": {"email": "x@example.org"}}),
    ("DELETE", f"/v1/invitations/{uuid4()}", {}),
    ("PATCH", f"/v1/members/{uuid4()}", {"json": {"role": "viewer"}}),
    ("POST", f"/v1/users/{uuid4()}/reset", {}),
    ("PATCH", "/v1/tenant", {"json": {"name": "mine"}}),
    ("DELETE", "/v1/tenant?confirm=x", {}),
]


async def test_what_takes_an_admin_is_refused_to_others(ann: Person) -> None:
    bob = await ann.invites("operator")

    answers = [await bob.ask(method, path, **more) for method, path, more in ADMINS_ONLY]
    unknown = [
        await ann.identity.http.request(method, path, **more) for method, path, more in ADMINS_ONLY
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert {answer.status_code for answer in unknown} == {401}


async def test_what_belongs_to_another_tenant_looks_like_nothing(ann: Person) -> None:
    other = await registered(ann.identity)
    made = await other.ask("POST", "/v1/invitations", json={"email": an_email()})
    session = (await other.ask("GET", "/v1/sessions")).json()["items"][0]
    member = f"/v1/members/{other.user['id']}"

    answers = [
        await ann.ask("GET", member),
        await ann.ask("PATCH", member, json={"role": "viewer"}),
        await ann.ask("DELETE", member),
        await ann.ask("POST", f"/v1/users/{other.user['id']}/reset"),
        await ann.ask("DELETE", f"/v1/invitations/{made.json()['id']}"),
        await ann.ask("DELETE", f"/v1/sessions/{session['id']}"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert (await ann.ask("GET", "/v1/members")).json()["items"][0]["email"] == ann.email


async def test_sessions_say_where_and_which_is_this_one(ann: Person) -> None:
    phone = await ann.sign_in("phone")

    listed = (await phone.ask("GET", "/v1/sessions")).json()["items"]

    assert [(each["user_agent"], each["current"]) for each in listed] == [
        ("phone", True),
        ("test", False),
    ]


async def test_a_session_is_ended_from_another(ann: Person) -> None:
    phone = await ann.sign_in("phone")
    listed = (await ann.ask("GET", "/v1/sessions")).json()["items"]
    other = next(each["id"] for each in listed if not each["current"])

    ended = await ann.ask("DELETE", f"/v1/sessions/{other}")

    assert ended.status_code == 204
    assert (await phone.ask("GET", "/v1/me")).status_code == 401
    assert (await ann.ask("GET", "/v1/me")).status_code == 200
    renewed = await ann.identity.http.post(
        "/v1/auth/refresh", json={"refresh_token": phone.refresh_token}
    )
    assert code_of(renewed) == (401, "refresh_token_invalid")


async def test_all_other_sessions_end_at_once(ann: Person) -> None:
    others = [await ann.sign_in() for _ in range(2)]

    await ann.ask("DELETE", "/v1/sessions")

    assert [(await each.ask("GET", "/v1/me")).status_code for each in others] == [401, 401]
    assert (await ann.ask("GET", "/v1/me")).status_code == 200


async def test_a_new_password_takes_the_old_one_and_ends_other_sessions(ann: Person) -> None:
    other = await ann.sign_in()
    order = {"old_password": "wrong", "new_password": "another good phrase"}

    wrong = await ann.ask("POST", "/v1/me/password", json=order)
    done = await ann.ask("POST", "/v1/me/password", json=order | {"old_password": PASSWORD})
    again = await signed_in(ann.identity, ann.email, ann.user, password="another good phrase")

    assert code_of(wrong) == (422, "wrong_password")
    assert done.status_code == 204
    assert (await other.ask("GET", "/v1/me")).status_code == 401
    assert (await ann.ask("GET", "/v1/me")).status_code == 200
    assert (await again.ask("GET", "/v1/me")).status_code == 200


async def test_guesses_at_the_old_password_are_limited(ann: Person) -> None:
    order = {"old_password": "wrong", "new_password": "another good phrase"}

    answers = [await ann.ask("POST", "/v1/me/password", json=order) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_reset_link_makes_a_new_password_once(ann: Person) -> None:
    bob = await ann.invites("operator")
    link = (await ann.ask("POST", f"/v1/users/{bob.user['id']}/reset")).json()
    order = {"token": link["token"], "password": "another good phrase"}

    done = await ann.identity.http.post("/v1/auth/reset", json=order)
    twice = await ann.identity.http.post("/v1/auth/reset", json=order)

    assert (done.status_code, code_of(twice)) == (204, (403, "reset_link_invalid"))
    assert (await bob.ask("GET", "/v1/me")).status_code == 401
    again = await signed_in(ann.identity, bob.email, bob.user, password="another good phrase")
    assert (await again.ask("GET", "/v1/me")).status_code == 200


async def test_a_deleted_tenant_lets_nobody_in(ann: Person) -> None:
    bob = await ann.invites("operator")
    key = (await bob.ask("POST", "/v1/api-keys", json={"name": "k"})).json()["key"]
    await ann.ask("PATCH", "/v1/tenant", json={"name": "Ann & Sons"})

    doubted = await ann.ask("DELETE", "/v1/tenant", params={"confirm": "ann & sons"})
    gone = await ann.ask("DELETE", "/v1/tenant", params={"confirm": "Ann & Sons"})

    assert code_of(doubted) == (422, "not_confirmed")
    assert gone.status_code == 204
    headers = [{}, {"Authorization": f"Bearer {key}"}]
    assert [(await bob.ask("GET", "/v1/me", headers=each)).status_code for each in headers] == [
        401,
        401,
    ]
    query = text("select type from events where key = cast(:id as uuid)")
    async with ann.identity.app.state.database.transaction() as connection:
        types = list(await connection.scalars(query, {"id": ann.user["tenant_id"]}))
    assert types == ["tenant.deleted"]
