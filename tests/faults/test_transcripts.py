"""What PostgreSQL keeps, what EVENTS holds and what every client was told are the same."""

import asyncio
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from tests.e2e.conftest import Register
from tests.e2e.people import Person
from tests.faults.audit import QUIET_S, Finding, check_log, number_of, quiet, read, tables
from tests.faults.conftest import log_lines, wipe
from tests.faults.crowd import Crowd, Transcript
from tests.faults.others import Others
from tidemill_client.client import ENDINGS, Client
from tidemill_client.live import Live
from tidemill_client.subscription import Received
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import Job, SubmitJob
from tidemill_stack.stack import Stack

BATCH = 500
ROUNDS = 10
HEARD_PER_S = 4_000
BULK = 40
BULKY = "x" * 30_000


@pytest.fixture(scope="session")
def events() -> int:
    """How many events a run has at least; a noop job has four."""
    return 1_500


@pytest.fixture(scope="session")
def sockets() -> int:
    """How many follow and have to come back."""
    return 8


class Side:
    """A tenant, its followers, and how many jobs they must hear the end of."""

    def __init__(self, person: Person, transcripts: list[Transcript]) -> None:
        self.person = person
        self.transcripts = transcripts
        self.jobs = 0

    @property
    def has_heard(self) -> bool:
        return all(each.ended >= self.jobs for each in self.transcripts)

    async def submit(self, number: int, value: str = "") -> None:
        """So many noop jobs; each carries the tenant's id, which nobody else may ever see."""
        order = SubmitJob(
            processor="noop", value=f"{value}{self.person.user.tenant_id}", labels=self.canary
        )
        for at in range(0, number, BATCH):
            orders = [order] * min(BATCH, number - at)
            key = str(uuid7())
            answers = await self.person.client.submit_batch(orders, idempotency_key=key)
            assert all(isinstance(each, Job) for each in answers)
            self.jobs += len(answers)

    @property
    def canary(self) -> dict[str, str]:
        return {"canary": str(self.person.user.tenant_id)}

    def check(self, finding: Finding, foreign: bytes) -> None:
        """PostgreSQL, EVENTS and every transcript tell the same, and nothing of anybody else."""
        kept = {
            job: [canonical(row["body"]) for row in rows] for job, rows in finding.events.items()
        }
        for job_id in finding.jobs:
            check_log(finding, job_id)
        for each in self.transcripts:
            assert each.gaps == []
            assert each.bodies == kept
            assert each.in_order
            assert not any(foreign in body for _, body in each.told)


async def test_three_accounts_of_a_troubled_hour_are_equal(
    hurt: Stack, register: Register, events: int, sockets: int
) -> None:
    people = [await register(hurt), await register(hurt)]
    share = events // 4 // 2 // 3 + 1
    # one process hears all of it
    patience_s = 3 * QUIET_S + events * sockets / 2 / HEARD_PER_S
    async with tables(hurt) as connection, Crowd(patience_s) as crowd:
        epoch = await number_of(connection, "select epoch from log")
        sides = [await side_of(each, crowd, sockets // 2, hurt) for each in people]

        await all_submit(sides, share)
        await crowd.until(lambda each: bool(each.told))
        killed = hurt.kill("notifier")
        await all_submit(sides, share)
        await hurt.ready("notifier", instead_of=killed)
        await crowd.until(lambda each: each.live.sockets > 1)
        await wipe(hurt)
        await all_submit(sides, share)
        await crowd.until(lambda _: all(side.has_heard for side in sides))
        async with asyncio.timeout(patience_s):
            await let_down(hurt, sides)
        await crowd.until(lambda _: all(side.has_heard for side in sides))

        found = [await recorded(hurt, connection, side) for side in sides]

    assert {finding.epoch for finding in found} == {epoch + 1}
    assert sum(len(rows) for each in found for rows in each.events.values()) >= events
    for side, finding, other in zip(sides, found, reversed(sides), strict=True):
        side.check(finding, str(other.person.user.tenant_id).encode())


async def side_of(person: Person, crowd: Crowd, sockets: int, stack: Stack) -> Side:
    """All but the first, which will be slow, come through the gateway."""
    first = await crowd.follow(person.client, 1, at=stack.urls["notifier"])
    return Side(person, [*first, *await crowd.follow(person.client, sockets - 1)])


async def all_submit(sides: list[Side], number: int) -> None:
    await asyncio.gather(*[side.submit(number) for side in sides])


async def let_down(stack: Stack, sides: list[Side]) -> None:
    """One of each side, which is up to date, stops reading until it is cut off for being slow."""
    slow = [side.transcripts[0] for side in sides]
    before = len(log_lines(stack, "notifier", "socket.slow"))
    while len(log_lines(stack, "notifier", "socket.slow")) < before + len(slow):
        for each in slow:
            each.stall()
        await asyncio.gather(*[side.submit(BULK, BULKY) for side in sides])
    for each in slow:
        each.read_on()


async def recorded(stack: Stack, connection: asyncpg.Connection, side: Side) -> Finding:
    tenant_id = side.person.user.tenant_id
    await quiet(connection, tenant_id)
    return await read(stack, connection, tenant_id)


def canonical(body: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(body), order="deterministic")


async def test_notifiers_take_turns_with_a_client_and_leave_no_hole(
    hurt: Stack, register: Register, others: Others
) -> None:
    ann = await register(hurt)
    other = await others.start("notifier")
    notifiers = [hurt.urls["notifier"], other.url]
    gateway = await others.gateway("notifier", *notifiers)
    kept = Kept()
    told: list[Received] = []
    served = set[str]()
    jobs = 0

    async with Client(gateway.url, ann.tokens.access_token) as client:
        for turn in range(ROUNDS):
            since = None if turn else "now"
            live = client.live("all", types=["job.*"], since=since, offsets=kept)
            async with asyncio.timeout(QUIET_S), live as items:
                await ann.client.submit_batch([SubmitJob(processor="noop", value=jobs)] * 20)
                jobs += 20
                # it leaves in the middle of them: the next notifier has the rest
                await hear(items, told, jobs - 10)
                served |= {url for url in notifiers if await has_sockets(url)}
        await other.stop()
        live = client.live("all", types=["job.*"], offsets=kept)
        async with asyncio.timeout(QUIET_S), live as items:
            await hear(items, told, jobs)

    assert served == set(notifiers)
    async with tables(hurt) as connection:
        await quiet(connection, ann.user.tenant_id)
        finding = await read(hurt, connection, ann.user.tenant_id)
    heard: dict[UUID, list[bytes]] = {}
    for each in told:
        body = msgspec.json.encode(each.body, order="deterministic")
        heard.setdefault(each.event.key, []).append(body)
    assert heard == {
        job: [canonical(row["body"]) for row in rows] for job, rows in finding.events.items()
    }


async def has_sockets(notifier: str) -> bool:
    async with httpx.AsyncClient() as http:
        metrics = (await http.get(f"{notifier}/metrics")).text
    return "\ntidemill_streams_open 0.0" not in metrics


class Kept:
    """A place in memory."""

    cursor: str | None = None

    def load(self) -> str | None:
        return self.cursor

    def save(self, cursor: str) -> None:
        self.cursor = cursor


async def hear(items: Live, told: list[Received], endings: int) -> None:
    """Read on until so many jobs have ended."""
    ended = sum(isinstance(each.event, ENDINGS) for each in told)
    while ended < endings:
        item = await anext(items)
        if isinstance(item, Received):
            told.append(item)
            ended += isinstance(item.event, ENDINGS)
