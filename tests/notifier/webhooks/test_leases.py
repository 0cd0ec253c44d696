"""A webhook is one process's at a time, whatever the others believe."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.builders import a_principal
from tidemill_contracts.catalogue import encode
from tidemill_contracts.identity import Role
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.job_events import JobQueued
from tidemill_contracts.log import Cursor
from tidemill_contracts.webhooks import DeliveryAttempt
from tidemill_kit.db import Database
from tidemill_kit.settings import load
from tidemill_notifier.ring import Entry
from tidemill_notifier.webhook_settings import WebhookSettings
from tidemill_notifier.webhooks.book import Book, Endpoint
from tidemill_notifier.webhooks.office import LeaseTooShort, Office
from tidemill_notifier.webhooks.repository import WebhookNotFound, WebhookRepository

SETTINGS = WebhookSettings(webhook_log_s=1e-9)
TENANT = a_principal().tenant_id
COUNTS = text("""
select (select count(*) from webhooks where id = :id),
    (select count(*) from webhook_deliveries where webhook_id = :id)
""")


@pytest.fixture
async def database(infra: Any) -> AsyncGenerator[Database]:
    async with Database.open(load(WebhookSettings, infra.env("notifier")), "notifier") as opened:
        yield opened


@pytest.fixture
async def webhook(database: Database) -> AsyncGenerator[UUID]:
    moment = now()
    row = {
        "url": "https://example.org/",
        "types": ["job.*"],
        "description": "",
        "enabled": True,
        "role": Role.ADMIN.value,
        "created_by": uuid7(),
        "created_at": moment,
        "updated_at": moment,
        "epoch": 1,
        "position": 0,
    }
    async with database.on_behalf_of(TENANT) as connection:
        made = await WebhookRepository(connection, TENANT).add(row, b"secret")
    yield made.id
    async with database.on_behalf_of(TENANT) as connection:
        mine = WebhookRepository(connection, TENANT)
        with suppress(WebhookNotFound):
            await mine.change(made.id, enabled=False, deleted_at=moment)


def entry(position: int, job: UUID) -> Entry:
    event = JobQueued(tenant_id=TENANT, seq=position, job_id=job)
    return Entry(Cursor(1, position), event.subject, encode(event))


async def counted(database: Database, webhook: UUID) -> tuple[int, int]:
    """How many rows there are of the webhook and of its deliveries."""
    async with database.transaction() as connection:
        row = (await connection.execute(COUNTS, {"id": webhook})).one()
        return row[0], row[1]


async def held(book: Book) -> Endpoint:
    endpoint = await book.endpoint((await book.hold())[0])
    assert endpoint
    return endpoint


async def test_what_one_process_holds_no_other_takes_or_writes(
    database: Database, webhook: UUID
) -> None:
    first, second = Book(database, SETTINGS), Book(database, SETTINGS)

    mine = await held(first)
    theirs = await second.hold()
    await first.release()
    taken = await held(second)
    late = await first.add(mine, [entry(1, uuid7())], Cursor(1, 1))

    assert (mine.id, theirs, late) == (webhook, [], False)
    assert (taken.fence, taken.cursor) == (mine.fence + 1, Cursor(1, 0))
    assert await second.waiting(webhook) == 0
    await second.release()


async def test_a_changed_webhook_takes_nothing_from_who_knows_it_as_it_was(
    database: Database, webhook: UUID
) -> None:
    book = Book(database, SETTINGS)
    before = await held(book)

    async with database.on_behalf_of(TENANT) as connection:
        await WebhookRepository(connection, TENANT).rewind(webhook, Cursor(1, 0))

    assert not await book.add(before, [entry(1, uuid7())], Cursor(1, 1))
    assert await book.add(await held(book), [entry(1, uuid7())], Cursor(1, 1))
    await book.release()


async def test_an_event_is_written_once_and_each_job_has_one_under_way(
    database: Database, webhook: UUID
) -> None:
    book, one, other = Book(database, SETTINGS), uuid7(), uuid7()
    endpoint = await held(book)
    entries = [entry(1, one), entry(2, one), entry(3, other)]
    attempt = DeliveryAttempt(at=now(), duration_ms=1, status_code=200)

    for _ in range(2):
        await book.add(endpoint, entries, Cursor(1, 3))
    heads = await book.heads(webhook, [], 10)
    while_busy = await book.heads(webhook, [one], 10)
    await book.delivered(webhook, heads[0].id, attempt)
    following = await book.heads(webhook, [], 10)

    assert await book.waiting(webhook) == 2
    assert [head.key for head in heads] == [one, other]
    assert [head.key for head in while_busy] == [other]
    assert {head.key for head in following} == {one, other}
    assert all(head.id != heads[0].id for head in following)
    await book.release()


async def test_what_is_over_is_forgotten_and_with_its_webhook_everything(
    database: Database, webhook: UUID
) -> None:
    book = Book(database, SETTINGS)
    endpoint = await held(book)
    await book.add(endpoint, [entry(1, uuid7()), entry(2, uuid7())], Cursor(1, 2))
    head = (await book.heads(webhook, [], 1))[0]
    await book.delivered(webhook, head.id, DeliveryAttempt(at=now(), duration_ms=1))

    await book.trim()
    over = await counted(database, webhook)
    async with database.on_behalf_of(TENANT) as connection:
        mine = WebhookRepository(connection, TENANT)
        await mine.change(webhook, enabled=False, deleted_at=now())
    await book.trim()

    assert over == (1, 1)
    assert await counted(database, webhook) == (0, 0)


async def test_who_answers_that_it_is_gone_is_disabled_once(
    database: Database, webhook: UUID
) -> None:
    book = Book(database, SETTINGS)
    endpoint = await held(book)
    await book.add(endpoint, [entry(1, uuid7())], Cursor(1, 1))
    head = (await book.heads(webhook, [], 1))[0]
    attempt = DeliveryAttempt(at=now(), duration_ms=1, status_code=410)

    ended = [await book.failed(endpoint, head.id, attempt, wait_s=0, gone=True) for _ in range(2)]

    async with database.on_behalf_of(TENANT) as connection:
        shown = await WebhookRepository(connection, TENANT).get(webhook)
    assert ended == [True, False]
    assert (shown.enabled, shown.disabled_reason, shown.seq) == (False, "gone", 1)


def test_a_lease_that_a_request_could_outlive_is_refused() -> None:
    settings = WebhookSettings(webhook_lease_s=20, webhook_timeout_s=10)
    nothing: Any = None

    with pytest.raises(LeaseTooShort):
        Office(nothing, nothing, nothing, settings)
