"""HTTP: what the processors of a job said."""

from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Response, Stream
from msgspec import Raw, Struct

from tidemill_contracts.lines import LineStream, LogLine, LogPage, plain
from tidemill_jobs.lines import Filter, KeptPage, LineRepository, Place
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.repository import JobRepository
from tidemill_jobs.routes import MAX_SEQ, CursorInvalid
from tidemill_kit.app import READ, Caller
from tidemill_kit.db import Database

NDJSON = "application/x-ndjson"
TEXT = "text/plain"
AT_ONCE = 1_000

type Wanted = Callable[[bytes], bool]

Lines = NamedDependency[LineRepository]
Jobs = NamedDependency[JobRepository]
Limit = Annotated[int, QueryParameter(ge=1, le=AT_ONCE)]
After = Annotated[
    str | None,
    QueryParameter(description="`cursor` or `next_cursor` of a page before.", max_length=21),
]


class _Marks(Struct):
    attempt: int
    step: str
    stream: LineStream


_marks = msgspec.json.Decoder(_Marks).decode
_line = msgspec.json.Decoder(LogLine).decode


class LineController(Controller):
    """What processors said: by `run.log`, and on stdout and stderr."""

    path = "/v1/jobs"
    tags = ("Jobs",)

    @get("/{job_id:uuid}/logs", opt=READ, operation_id="jobLogs")
    async def lines(
        self,
        request: Request[Any, Any, Any],
        job_id: FromPath[UUID],
        jobs: Jobs,
        lines: Lines,
        principal: Caller,
        attempt: Annotated[int | None, QueryParameter(ge=0, le=MAX_SEQ)] = None,
        step: FromQuery[str | None] = None,
        stream: FromQuery[LineStream | None] = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Response[LogPage]:
        """The job's log, oldest first, also while it runs; `cursor` is where to go on later.

        With `Accept: application/x-ndjson` or `text/plain` the whole log as one file.
        """
        place = _place(after)
        if await jobs.get(job_id) is None:
            raise JobNotFound
        wanted = _wanted(Filter(attempt=attempt, step=step, stream=stream))
        accepted = request.headers.get("accept", "")
        for media_type, shown in ((NDJSON, _as_it_is), (TEXT, _as_text)):
            if media_type in accepted:
                read = Whole(request.app.state.database, principal.tenant_id, job_id, wanted)
                return _file(read.chunks(place, shown), media_type, job_id)
        page: Any = await lines.page(job_id, place, limit, wanted)
        return Response(page)


class Whole:
    """All lines of a job, read as fast as the other side takes them."""

    def __init__(self, database: Database, tenant_id: UUID, job_id: UUID, wanted: Wanted) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._job_id = job_id
        self._wanted = wanted

    async def chunks(self, place: Place, shown: Callable[[Raw], bytes]) -> AsyncGenerator[bytes]:
        while True:
            page = await self._page(place)
            if page.items:
                yield b"".join(shown(line) for line in page.items)
            if page.next_cursor is None:
                return
            place = _place(page.next_cursor)

    async def _page(self, place: Place) -> KeptPage:
        async with self._database.on_behalf_of(self._tenant_id) as connection:
            lines = LineRepository(connection, self._tenant_id)
            return await lines.page(self._job_id, place, AT_ONCE, self._wanted)


def _file(chunks: AsyncGenerator[bytes], media_type: str, job_id: UUID) -> Any:
    ending = "ndjson" if media_type == NDJSON else "txt"
    name = f'attachment; filename="job-{job_id.hex[-8:]}.{ending}"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return Stream(chunks, media_type=f"{media_type}; charset=utf-8", headers=headers)


def _as_it_is(line: Raw) -> bytes:
    return bytes(line) + b"\n"


def _as_text(line: Raw) -> bytes:
    said = _line(line)
    return f"{plain(said, said.at.isoformat(timespec='milliseconds'))}\n".encode()


def _wanted(which: Filter) -> Wanted:
    """Without a filter lines need not be looked at."""
    if which == Filter():
        return lambda _: True

    def matches(line: bytes) -> bool:
        marks = _marks(line)
        return (
            which.attempt in (None, marks.attempt)
            and which.step in (None, marks.step)
            and which.stream in (None, marks.stream)
        )

    return matches


def _place(text: str | None) -> Place:
    if text is None:
        return Place()
    segment, _, line = text.partition(".")
    if not all(part.isascii() and part.isdigit() for part in (segment, line)):
        raise CursorInvalid
    if max(int(segment), int(line)) > MAX_SEQ:
        raise CursorInvalid
    return Place(int(segment), int(line))
