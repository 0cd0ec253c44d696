"""A job as it was: its events up to a cursor, folded."""

import asyncio
from uuid import UUID

from litestar import Litestar
from msgspec import UNSET, structs
from nats.aio.client import Client
from sqlalchemy import text

from tidemill_contracts.catalogue import decode
from tidemill_contracts.fold import Fold
from tidemill_contracts.job_events import JobEvent
from tidemill_contracts.jobs import Job, JobError, Result, Step
from tidemill_contracts.log import Cursor, read_cursor
from tidemill_jobs.endings import MAX_MESSAGE, by_reference
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.repository import JobRepository
from tidemill_jobs.shown import public
from tidemill_kit import streams
from tidemill_kit.errors import BadRequest, Invalid, NotFound, Unavailable
from tidemill_kit.lifespan import head
from tidemill_kit.streams import EVENTS

MAX_EPOCH, MAX_POSITION = 2**31 - 1, 2**63 - 1
# positions are written down within 100 ms of the publish
LOOKS = 40
BETWEEN_LOOKS_S = 0.05


class CursorMalformed(BadRequest):
    """This is no cursor."""


class CursorAhead(Invalid):
    """The log has not come to this cursor yet."""


class JobNotYet(NotFound):
    """There was no such job yet at this cursor."""


class CursorUnsure(Unavailable):
    """What happened up to this cursor is not all recorded yet."""


async def job_at(app: Litestar, jobs: JobRepository, job_id: UUID, at: str) -> Job:
    """The job after the last of its events that is published at or before this cursor."""
    cursor = _cursor(at)
    stored = await jobs.get(job_id)
    if stored is None:
        raise JobNotFound
    bodies = await jobs.history_to(job_id, await _last_before(app, jobs, job_id, cursor))
    if not bodies:
        raise JobNotYet
    fold = Fold.of(event for body in bodies if isinstance(event := decode(body), JobEvent))
    return structs.replace(completed(fold, public(stored)), cursor=str(cursor))


def completed(fold: Fold, stored: Job) -> Job:
    """The fold with what its events had no room for, out of the row: none of that ever changes."""
    told, left_out = fold.job, frozenset(fold.left_out)
    steps = {step.name: step for step in stored.steps}
    return structs.replace(
        told,
        steps=[
            _step(step, steps[step.name], left_out) if step.name in steps else step
            for step in told.steps
        ],
        labels=stored.labels if "labels" in left_out else told.labels,
        result=_result(told.result, stored.result),
        error=_error(told.error, stored.error),
    )


def _step(told: Step, stored: Step, left_out: frozenset[str]) -> Step:
    result, error = _result(told.result, stored.result), _error(told.error, stored.error)
    if "results" in left_out and told.status is stored.status:
        result, error = result or stored.result, error or stored.error
    return structs.replace(
        told,
        params=stored.params if "params" in left_out else told.params,
        needs=stored.needs if "needs" in left_out else told.needs,
        result=result,
        error=error,
    )


def _result(told: Result | None, stored: Result | None) -> Result | None:
    """The value that an event only refers to, if it is the one that was meant."""
    if told is None or stored is None or told.value is not UNSET or stored.value is UNSET:
        return told
    return stored if told == by_reference(told.uri or "", stored) else told


def _error(told: JobError | None, stored: JobError | None) -> JobError | None:
    """The error with the traceback that was too long for its event."""
    if told is None or stored is None or told.traceback is not UNSET:
        return told
    short = structs.replace(stored, message=stored.message[:MAX_MESSAGE], traceback=UNSET)
    return stored if told == short else told


def _cursor(text_of_it: str) -> Cursor:
    try:
        cursor = read_cursor(text_of_it)
    except ValueError as error:
        raise CursorMalformed from error
    if cursor.epoch > MAX_EPOCH or cursor.position > MAX_POSITION:
        raise CursorAhead
    return cursor


async def _last_before(
    app: Litestar,
    jobs: JobRepository,
    job_id: UUID,
    cursor: Cursor,
) -> int:
    """How many of the job's events lie at or before a cursor."""
    asked = False
    for _ in range(LOOKS):
        found = (await jobs.connection.execute(_PLACE, _values(jobs, job_id, cursor))).one()
        recorded = Cursor(found.recorded_epoch, found.recorded)
        if cursor <= recorded:
            return found.seq
        if not asked:
            # whether there is such a place must be known before what was recorded is looked at
            await _must_have_come(app, cursor, found.epoch)
            asked = True
        elif not found.waiting:
            return found.seq
        else:
            await asyncio.sleep(BETWEEN_LOOKS_S)
    raise CursorUnsure


async def _must_have_come(app: Litestar, cursor: Cursor, epoch: int) -> None:
    """CursorAhead where the log ends before this place, CursorUnsure where nobody can tell."""
    if cursor.epoch != epoch:
        if cursor.epoch > epoch:
            raise CursorAhead
        return
    if cursor <= head(app):
        return
    client: Client | None = app.state.client
    if client is None or not client.is_connected:
        raise CursorUnsure
    if cursor.position > (await streams.last_sequence(client, EVENTS) or 0):
        raise CursorAhead


def _values(jobs: JobRepository, job_id: UUID, cursor: Cursor) -> dict[str, object]:
    return {
        "key": job_id,
        "tenant": jobs.tenant_id,
        "at_epoch": cursor.epoch,
        "at": cursor.position,
    }


# the first that lies behind the cursor, or nowhere yet, ends what is visible
_PLACE = text("""
select log.epoch, publisher.epoch as recorded_epoch, publisher.position as recorded,
    coalesce(
        min(events.seq) filter (
            where stream_seq is null
            or (events.epoch, stream_seq) > (cast(:at_epoch as integer), cast(:at as bigint))
        ) - 1, max(events.seq), 0) as seq,
    coalesce(bool_or(events.key is not null and stream_seq is null), false) as waiting
from log cross join publisher
left join events on events.key = :key and events.tenant_id = :tenant
group by 1, 2, 3
""")
