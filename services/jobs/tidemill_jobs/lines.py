"""What processors said: kept as they send it, read page by page."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import structlog
from msgspec import Raw, Struct
from nats.aio.client import Client
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from tidemill_contracts.lines import KeepLines, LineStream
from tidemill_jobs.tables import events, job_lines
from tidemill_kit.bus import answer
from tidemill_kit.db import Database, Repository

log = structlog.get_logger()
TRIES = 8
SEGMENTS = 16
SCANNED_SEGMENTS = 64
PAGE_BYTES = 1024 * 1024


class Segment(Struct, frozen=True):
    """Lines that were kept together, one JSON object a line."""

    number: int
    body: bytes


class Place(Struct, frozen=True, order=True):
    """Behind so many lines of a segment and all segments before it."""

    segment: int = 0
    line: int = 0

    def __str__(self) -> str:
        return f"{self.segment}.{self.line}"


class Filter(Struct, frozen=True, kw_only=True):
    """Which lines somebody asked for."""

    attempt: int | None = None
    step: str | None = None
    stream: LineStream | None = None


class KeptPage(Struct, frozen=True, kw_only=True):
    """A LogPage whose lines are encoded already."""

    items: list[Raw]
    cursor: str
    next_cursor: str | None = None


class LineRepository(Repository):
    """A tenant's lines; row-level security stands behind each `where`."""

    events = events

    async def segments(self, job_id: UUID, start: int, limit: int) -> list[Segment]:
        query = select(job_lines.c.number, job_lines.c.body).where(
            job_lines.c.job_id == job_id,
            job_lines.c.tenant_id == self.tenant_id,
            job_lines.c.number >= start,
        )
        return await self.all(query.order_by(job_lines.c.number).limit(limit), Segment)

    async def page(
        self, job_id: UUID, place: Place, limit: int, wanted: Callable[[bytes], bool]
    ) -> KeptPage:
        """The next lines behind a place; a page may hold fewer though there are more."""
        found = Found(limit)
        more = True
        for _ in range(SCANNED_SEGMENTS // SEGMENTS):
            segments = await self.segments(job_id, place.segment, SEGMENTS + 1)
            more = len(segments) > SEGMENTS
            stopped = found.add(segments[:SEGMENTS], place, wanted)
            place, more = found.place or place, more or stopped
            if stopped or not more:
                break
        cursor = str(place)
        return KeptPage(items=found.items, cursor=cursor, next_cursor=cursor if more else None)


class Found:
    """Lines of a page, until it is full."""

    def __init__(self, limit: int) -> None:
        self.items: list[Raw] = []
        self.place: Place | None = None
        self._limit = limit
        self._room = PAGE_BYTES

    def add(
        self, segments: Iterable[Segment], place: Place, wanted: Callable[[bytes], bool]
    ) -> bool:
        """Look at these segments; whether it stopped before their end."""
        for segment in segments:
            lines = segment.body.split(b"\n")
            start = place.line if segment.number == place.segment else 0
            for index in range(start, len(lines)):
                if len(self.items) == self._limit or self._room <= 0:
                    self.place = Place(segment.number, index)
                    return True
                if wanted(lines[index]):
                    self.items.append(Raw(lines[index]))
                    self._room -= len(lines[index])
            self.place = Place(segment.number + 1)
        return False


async def serve(client: Client, database: Database) -> None:
    """Keep what workers send."""

    async def keep(said: list[KeepLines]) -> list[bool]:
        await store(database, said)
        return [True] * len(said)

    await answer(client, "tm.rpc.jobs.lines", list[KeepLines], keep)


async def store(database: Database, said: list[KeepLines]) -> None:
    """Keep these lines; those of a run that was never granted, or kept already, change nothing."""
    values: dict[str, list[Any]] = {
        "jobs": [each.job_id for each in said],
        "tasks": [each.task_id for each in said],
        "attempts": [each.attempt for each in said],
        "runs": [each.run_id for each in said],
        "ordinals": [each.ordinal for each in said],
        "bodies": [b"\n".join(bytes(line) for line in each.lines) for each in said],
    }
    for left in reversed(range(TRIES)):
        try:
            async with database.transaction() as connection:
                await connection.execute(_KEEP, values)
        except IntegrityError:
            # another replica took the same number of a job; behind it there is the next
            if not left:
                raise
        else:
            return


_KEEP = text("""
insert into job_lines (job_id, number, tenant_id, attempt, run_id, ordinal, body)
select said.job_id,
    coalesce((select max(number) from job_lines where job_lines.job_id = said.job_id), 0)
        + row_number() over (partition by said.job_id order by said.place),
    attempts.tenant_id, said.attempt, said.run_id, said.ordinal, said.body
from unnest(
    cast(:jobs as uuid[]), cast(:tasks as uuid[]), cast(:attempts as integer[]),
    cast(:runs as uuid[]), cast(:ordinals as integer[]), cast(:bodies as bytea[])
) with ordinality as said (job_id, task_id, attempt, run_id, ordinal, body, place)
join attempts on attempts.job_id = said.job_id and attempts.task_id = said.task_id
    and attempts.attempt = said.attempt and attempts.run_id = said.run_id
where not exists (
    select from job_lines where job_lines.job_id = said.job_id
    and job_lines.run_id = said.run_id and job_lines.ordinal >= said.ordinal
)
""")
