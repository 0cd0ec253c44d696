"""Webhooks over HTTP: who may do what, and what is refused."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from tests.notifier.conftest import Account
from tests.notifier.webhooks.conftest import Hooks, Receiver
from tidemill_contracts.identity import Role
from tidemill_contracts.ids import uuid7
from tidemill_kit.db import Database
from tidemill_kit.settings import load
from tidemill_notifier.settings import NotifierSettings

URL = "http://127.0.0.1:9/"
CALLS = [
    ("GET", "/{id}", None),
    ("GET", "/{id}/deliveries", None),
    ("PATCH", "/{id}", {"enabled": False}),
    ("POST", "/{id}/replay", {"after": "start"}),
    ("POST", "/{id}/rotate", {}),
    ("POST", "/{id}/test", None),
    ("DELETE", "/{id}", None),
]


@pytest.fixture
def as_role(ann: Account, stack: Any, http: httpx.AsyncClient) -> Callable[[Role], Hooks]:
    """The webhooks of Ann's tenant as somebody with this role sees them."""

    def make(role: Role) -> Hooks:
        user = msgspec.structs.replace(ann.user, id=uuid7(), role=role)
        other = msgspec.structs.replace(ann, user=user)
        return Hooks(other, http, stack.urls["notifier"])

    return make


@pytest.mark.parametrize(("method", "path", "order"), CALLS)
async def test_another_tenants_webhook_is_not_there(
    hooks: Hooks,
    bob: Account,
    stack: Any,
    http: httpx.AsyncClient,
    method: str,
    path: str,
    order: Any,
) -> None:
    hook = await hooks.create(URL, enabled=False)
    theirs = Hooks(bob, http, stack.urls["notifier"])

    answer = await theirs.ask(method, path.format(id=hook["id"]), json=order)
    listed = await theirs.done("GET")

    assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_found")
    assert listed["items"] == []
    assert (await hooks.done("GET", f"/{hook['id']}"))["seq"] == hook["seq"]


async def test_viewers_look_and_operators_change(
    hooks: Hooks, as_role: Callable[[Role], Hooks]
) -> None:
    hook = await hooks.create(URL, enabled=False)
    viewer, operator = as_role(Role.VIEWER), as_role(Role.OPERATOR)

    looks = [await viewer.ask("GET", path) for path in ("", f"/{hook['id']}")]
    changes = [
        await viewer.ask(method, path.format(id=hook["id"]), json=order)
        for method, path, order in [("POST", "", {"url": URL}), *CALLS]
        if method != "GET"
    ]
    changed = await operator.done("PATCH", f"/{hook['id']}", json={"description": "ours"})

    assert [each.status_code for each in looks] == [200, 200]
    assert {each.status_code for each in changes} == {403}
    assert changed["description"] == "ours"
    assert "secret" not in looks[1].json()


async def test_an_operators_webhook_gets_nothing_about_users_nor_one_an_operator_changed(
    hooks: Hooks, as_role: Callable[[Role], Hooks], stack: Any
) -> None:
    operator = as_role(Role.OPERATOR)

    one = await operator.create(URL, types=None)
    other = await hooks.create(URL, types=None)
    await operator.done("PATCH", f"/{other['id']}", json={"url": f"{URL}elsewhere"})

    settings = load(NotifierSettings, stack.env("notifier"))
    async with Database.open(settings, "notifier") as database, database.transaction() as own:
        ids = {"ids": [one["id"], other["id"]]}
        roles = await own.scalars(
            text("select role from webhooks where id = any(cast(:ids as uuid[]))"), ids
        )
        assert roles.all() == ["operator", "operator"]


@pytest.mark.parametrize(
    ("order", "status", "field"),
    [
        ({"url": "http://10.0.0.1/"}, 422, "url"),
        ({"url": "http://169.254.169.254/latest/"}, 422, "url"),
        ({"url": "ftp://example.org/"}, 422, "url"),
        ({"url": "no url"}, 422, "url"),
        ({"url": ""}, 400, "url"),
        ({}, 400, None),
        ({"url": URL, "types": []}, 400, "types"),
        ({"url": URL, "types": ["job"]}, 400, "types"),
        ({"url": URL, "tenant_id": str(uuid7())}, 400, None),
        ({"url": URL, "after": "tomorrow"}, 400, None),
        ({"url": URL, "after": "999.1"}, 400, None),
    ],
)
async def test_what_cannot_be_a_webhook_is_refused(
    hooks: Hooks, order: Any, status: int, field: str | None
) -> None:
    answer = await hooks.ask("POST", json=order)

    assert answer.status_code == status
    assert (await hooks.done("GET"))["items"] == []
    if field is not None:
        assert answer.json()["errors"][0]["field"].startswith(field)


async def test_one_key_makes_one_webhook_and_shows_its_secret_once(hooks: Hooks) -> None:
    order, key = {"url": URL, "enabled": False}, {"Idempotency-Key": "the same"}

    first = await hooks.ask("POST", json=order, headers=key)
    second = await hooks.ask("POST", json=order, headers=key)
    other = await hooks.ask("POST", json={"url": f"{URL}other"}, headers=key)

    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 422)
    assert first.headers["Location"] == f"/v1/webhooks/{first.json()['id']}"
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.json()["secret"].startswith("whsec_")
    assert second.json() == first.json() | {"secret": None}


async def test_a_tenant_has_so_many_webhooks_and_pages_show_them_all(hooks: Hooks) -> None:
    made = [await hooks.create(URL, enabled=False, description=str(n)) for n in range(5)]

    refused = await hooks.ask("POST", json={"url": URL})
    first = await hooks.done("GET", "?limit=3")
    second = await hooks.done("GET", f"?limit=3&cursor={first['next_cursor']}")

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_webhooks")
    shown = [each["id"] for each in [*first["items"], *second["items"]]]
    assert shown == [each["id"] for each in reversed(made)]
    assert second["next_cursor"] is None


async def test_at_most_five_secrets_sign_at_a_time(hooks: Hooks) -> None:
    hook = await hooks.create(URL, enabled=False)

    answers = [await hooks.ask("POST", f"/{hook['id']}/rotate", json={}) for _ in range(5)]

    assert [each.status_code for each in answers] == [200, 200, 200, 200, 409]
    assert len({each.json()["secret"] for each in answers[:4]}) == 4


async def test_pages_of_deliveries_are_newest_first(hooks: Hooks, receiver: Receiver) -> None:
    hook = await hooks.create(receiver.url)
    await receiver.ended(*(await hooks.run(1)))

    pages, query = list[Any](), "?limit=1"
    while True:
        pages.append(await hooks.done("GET", f"/{hook['id']}/deliveries{query}"))
        if pages[-1]["next_cursor"] is None:
            break
        query = f"?limit=1&cursor={pages[-1]['next_cursor']}"

    ids = [page["items"][0]["id"] for page in pages]
    assert ids == sorted(ids, reverse=True)
    assert {page["items"][0]["event_id"] for page in pages} == {r.id for r in receiver.requests}


async def test_whoever_acts_for_a_caller_cannot_read_a_secret(hooks: Hooks, stack: Any) -> None:
    await hooks.create(URL, enabled=False)
    settings = load(NotifierSettings, stack.env("notifier"))
    async with Database.open(settings, "notifier") as database:
        tenant = hooks.account.user.tenant_id

        async with database.on_behalf_of(tenant) as connection:
            known = await connection.scalar(text("select count(id) from webhook_secrets"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with database.on_behalf_of(tenant) as connection:
                await connection.execute(text("select secret from webhook_secrets"))
        async with database.on_behalf_of(uuid7()) as connection:
            foreign = await connection.scalar(text("select count(id) from webhook_secrets"))

    assert (known, foreign) == (1, 0)
