"""Lines are kept once, under a number of their own, for runs that were granted alone."""

import asyncio
from uuid import UUID, uuid4

from msgspec import Raw
from msgspec.structs import replace

from tests.jobs.office import Office
from tidemill_contracts.lines import KeepLines
from tidemill_jobs.lines import SCANNED_SEGMENTS, LineRepository, Place, store
from tidemill_kit.db import Database

type Kept = tuple[UUID, UUID, KeepLines]


async def a_running_job(office: Office) -> Kept:
    """Its tenant and id, and the first lines of its attempt."""
    draft = office.draft()
    await office.submit(draft)
    order, run_id = await office.order(), uuid4()
    answer = await office.claim(order, run_id)
    said = KeepLines(
        task_id=order.task_id,
        job_id=order.job_id,
        attempt=answer.attempt,
        run_id=run_id,
        ordinal=1,
        lines=[Raw(b'{"n":1}'), Raw(b'{"n":2}')],
    )
    return draft.tenant_id, draft.id, said


async def read(database: Database, tenant_id: UUID, job_id: UUID, limit: int = 100) -> list[bytes]:
    async with database.on_behalf_of(tenant_id) as connection:
        lines = LineRepository(connection, tenant_id)
        page = await lines.page(job_id, Place(), limit, lambda _: True)
    return [bytes(line) for line in page.items]


async def test_lines_that_come_twice_are_kept_once(office: Office, database: Database) -> None:
    tenant_id, job_id, first = await a_running_job(office)
    second = replace(first, ordinal=2, lines=[Raw(b'{"n":3}')])

    for said in ([first], [first], [second], [first], [second]):
        await store(database, said)

    assert await read(database, tenant_id, job_id) == [b'{"n":1}', b'{"n":2}', b'{"n":3}']


async def test_lines_of_a_run_that_was_never_granted_are_dropped(
    office: Office, database: Database
) -> None:
    tenant_id, job_id, said = await a_running_job(office)
    _, _, other = await a_running_job(office)

    await store(
        database,
        [
            replace(said, run_id=uuid4()),
            replace(said, attempt=7),
            replace(said, task_id=other.task_id),
            replace(other, job_id=job_id),
        ],
    )

    assert await read(database, tenant_id, job_id) == []


async def test_another_tenant_reads_nothing(office: Office, database: Database) -> None:
    _, job_id, said = await a_running_job(office)
    stranger, _, _ = await a_running_job(office)
    await store(database, [said])

    found = await read(database, stranger, job_id)

    assert found == []


async def test_many_at_once_are_numbered_without_a_gap(office: Office, database: Database) -> None:
    tenant_id, job_id, said = await a_running_job(office)
    runs = [replace(said, ordinal=n, lines=[Raw(b"%d" % n)]) for n in range(1, 6)]

    await asyncio.gather(*[store(database, [each]) for each in runs])

    async with database.on_behalf_of(tenant_id) as connection:
        segments = await LineRepository(connection, tenant_id).segments(job_id, 0, 100)
    assert [segment.number for segment in segments] == list(range(1, len(segments) + 1))
    assert segments


async def test_every_page_is_found_however_small(office: Office, database: Database) -> None:
    tenant_id, job_id, said = await a_running_job(office)
    for ordinal in range(1, SCANNED_SEGMENTS + 10):
        lines = [Raw(b"%d.%d" % (ordinal, line)) for line in range(3)]
        await store(database, [replace(said, ordinal=ordinal, lines=lines)])
    found: list[bytes] = []
    place: Place | None = Place()

    while place is not None:
        async with database.on_behalf_of(tenant_id) as connection:
            lines = LineRepository(connection, tenant_id)
            page = await lines.page(job_id, place, 1_000, lambda line: line.endswith(b".2"))
        found += [bytes(line) for line in page.items]
        segment, _, line = (page.next_cursor or "").partition(".")
        place = Place(int(segment), int(line)) if segment else None

    assert found == [b"%d.2" % ordinal for ordinal in range(1, SCANNED_SEGMENTS + 10)]
