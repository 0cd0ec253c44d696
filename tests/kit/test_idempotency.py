"""Idempotency keys: the first answer again, and nothing made twice."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from litestar.response import Response
from sqlalchemy import text

from tidemill_kit.db import Database
from tidemill_kit.idempotency import (
    FORGOTTEN_AT_ONCE,
    REPLAYED,
    IdempotencyKeyBusy,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    Once,
    forget,
)
from tidemill_kit.settings import Settings, load
from tidemill_stack.stack import Stack

ROUTE = "/v1/things"


class Thing(msgspec.Struct):
    number: int
    secret: str | None = "s3cret"


@pytest.fixture(scope="module")
async def database(infra: Stack) -> AsyncGenerator[Database]:
    async with Database.open(load(Settings, infra.env("ingestion")), "ingestion") as opened:
        yield opened


class Maker:
    """Makes things, and counts them."""

    def __init__(self, database: Database, tenant_id: UUID) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self.made = 0

    async def ask(
        self,
        order: Any,
        key: str | None = "k",
        route: str = ROUTE,
        hold: asyncio.Event | None = None,
        **options: Any,
    ) -> Response[Any]:
        async def work() -> Thing:
            if hold is not None:
                await hold.wait()
            self.made += 1
            return Thing(self.made)

        async with self._database.on_behalf_of(self._tenant_id) as connection:
            return await Once(connection, self._tenant_id, route, key).answer(
                order, work, location=lambda made: f"{ROUTE}/{made.number}", **options
            )


@pytest.fixture
def maker(database: Database) -> Maker:
    return Maker(database, uuid4())


def seen(answer: Response[Any]) -> tuple[int | None, Any, dict[str, str]]:
    return answer.status_code, msgspec.json.decode(answer.content), dict(answer.headers)


async def test_a_repetition_gets_the_stored_answer_and_makes_nothing(maker: Maker) -> None:
    first = await maker.ask({"a": 1})

    again = await maker.ask({"a": 1})

    thing, place = {"number": 1, "secret": "s3cret"}, {"Location": f"{ROUTE}/1"}
    assert seen(first) == (201, thing, place)
    assert seen(again) == (201, thing, place | {REPLAYED: "true"})
    assert maker.made == 1


async def test_another_order_with_the_key_is_refused(maker: Maker) -> None:
    await maker.ask({"a": 1})

    with pytest.raises(IdempotencyKeyReused):
        await maker.ask({"a": 2})

    assert maker.made == 1


async def test_keys_count_for_their_tenant_and_path_alone(maker: Maker, database: Database) -> None:
    other = Maker(database, uuid4())
    await maker.ask({"a": 1})

    elsewhere = await maker.ask({"a": 2}, route="/v1/others")
    theirs = await other.ask({"a": 3})

    assert [REPLAYED in answer.headers for answer in (elsewhere, theirs)] == [False, False]


async def test_without_a_key_each_request_makes_one(maker: Maker) -> None:
    await maker.ask({"a": 1}, key=None)

    await maker.ask({"a": 1}, key=None)

    assert maker.made == 2


async def test_a_secret_is_shown_once_and_never_stored(maker: Maker) -> None:
    def without_secret(thing: Thing) -> Thing:
        return msgspec.structs.replace(thing, secret=None)

    first = await maker.ask({"a": 1}, keep=without_secret)
    again = await maker.ask({"a": 1}, keep=without_secret)

    assert msgspec.json.decode(first.content)["secret"] == "s3cret"
    assert msgspec.json.decode(again.content) == {"number": 1, "secret": None}


async def test_what_was_refused_may_be_tried_again_with_the_key(maker: Maker) -> None:
    async def refuse() -> Thing:
        raise IdempotencyKeyInvalid

    database, tenant_id = maker._database, maker._tenant_id  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(IdempotencyKeyInvalid):
        async with database.on_behalf_of(tenant_id) as connection:
            await Once(connection, tenant_id, ROUTE, "k").answer({"a": 1}, refuse)

    answer = await maker.ask({"a": 2})

    assert REPLAYED not in answer.headers


async def test_a_twin_gets_the_answer_of_the_one_in_flight(maker: Maker) -> None:
    hold = asyncio.Event()
    twins = [asyncio.create_task(maker.ask({"a": 1}, hold=hold)) for _ in range(3)]
    await asyncio.wait(twins, timeout=0.2)

    hold.set()
    answers = await asyncio.gather(*twins)

    assert maker.made == 1
    assert sorted(REPLAYED in answer.headers for answer in answers) == [False, True, True]


async def test_a_twin_that_waits_a_second_is_told_so(maker: Maker) -> None:
    hold = asyncio.Event()
    slow = asyncio.create_task(maker.ask({"a": 1}, hold=hold))
    await asyncio.wait([slow], timeout=0.2)

    with pytest.raises(IdempotencyKeyBusy):
        await maker.ask({"a": 1})

    hold.set()
    assert REPLAYED not in (await slow).headers


@pytest.mark.parametrize("key", ["", "k" * 256, "a\0b"])
async def test_a_key_has_one_to_255_characters(maker: Maker, key: str) -> None:
    with pytest.raises(IdempotencyKeyInvalid):
        await maker.ask({"a": 1}, key=key)


async def test_a_key_is_free_again_after_a_day(maker: Maker, database: Database) -> None:
    await maker.ask({"a": 1})
    old = "update idempotency_keys set created_at = now() - interval '25 hours'"
    async with database.transaction() as connection:
        await connection.execute(text(old))

    answer = await maker.ask({"a": 2})

    assert REPLAYED not in answer.headers


async def test_keys_of_yesterday_are_forgotten_however_many(
    maker: Maker, database: Database
) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(MANY_OLD), {"tenant": uuid4(), "last": FORGOTTEN_AT_ONCE + 1})
    await maker.ask({"a": 1})

    await forget(database)
    again = await maker.ask({"a": 1})

    old = "select count(*) from idempotency_keys where created_at < now() - interval '24 hours'"
    async with database.transaction() as connection:
        assert await connection.scalar(text(old)) == 0
    assert REPLAYED in again.headers


MANY_OLD = """
insert into idempotency_keys (tenant_id, route, key, fingerprint, status, body, created_at)
select :tenant, '/', n::text, '', 201, '', now() - interval '25 hours'
from generate_series(1, :last) n
"""
