"""How long stored results are kept, for whoever asks before removing them; a tenant's open jobs."""

from uuid import UUID

from litestar import Litestar
from nats.aio.client import Client
from sqlalchemy import text

from tidemill_contracts.collection import AskVerdicts, Collected, Verdict, Verdicts
from tidemill_contracts.usage import AskUsage, JobUsage
from tidemill_kit import bus
from tidemill_kit.db import Database


async def serve(app: Litestar, client: Client) -> None:
    """Answer ingestion, which keeps the buckets."""
    database: Database = app.state.database
    retention_s: float = app.state.settings.result_retention_s

    async def verdicts(asked: AskVerdicts) -> Verdicts:
        return Verdicts(await _verdicts(database, asked.job_ids, retention_s))

    async def collected(told: Collected) -> Collected:
        async with database.transaction() as connection:
            await connection.execute(_COLLECTED, {"ids": told.job_ids})
        return told

    async def usage(asked: AskUsage) -> JobUsage:
        async with database.transaction() as connection:
            return JobUsage(await connection.scalar(_OPEN, {"tenant": asked.tenant_id}) or 0)

    await bus.answer(client, "tm.rpc.jobs.verdicts", AskVerdicts, verdicts)
    await bus.answer(client, "tm.rpc.jobs.collected", Collected, collected)
    await bus.answer(client, "tm.rpc.jobs.usage", AskUsage, usage)


async def _verdicts(
    database: Database,
    job_ids: list[UUID],
    retention_s: float,
) -> dict[UUID, Verdict]:
    async with database.transaction() as connection:
        values = {"ids": job_ids, "seconds": retention_s}
        rows = (await connection.execute(_VERDICTS, values)).all()
    return {row.id: Verdict(row.verdict) for row in rows}


def _young(moment: str) -> str:
    return f"{moment} > now() - make_interval(secs => :seconds)"


def _made_by(frame: str) -> str:
    """The job below whose prefix `<tenant>/<job>/` a frame lies."""
    key = f"{frame} -> 'parts' -> 0 ->> 'key'"
    return f"cast(substring({key} from '^[^/]+/([0-9a-f-]{{36}})/') as uuid)"


def _kept(job: str) -> str:
    """Whether a job's objects are: a dataset's table lives as long as the dataset.

    What was its table before it was read again goes as results do, but from that moment on, and
    not before the jobs that read it have ended.
    """
    table = _made_by("datasets.frame")
    replaced = f"greatest({job}.finished_at, (select finished_at from jobs where id = {table}))"
    return f"""
({job}.finished_at is null or case when {job}.system and {job}.dataset_id is not null
    then exists (select from datasets where id = {job}.dataset_id and (
        frame is null or status = 'validating' or {table} = {job}.id or {_young(replaced)}
        or exists (
            select from jobs reader where reader.dataset_id = {job}.dataset_id
            and not reader.system and reader.finished_at is null
            and {_made_by("reader.given -> 'frame'")} = {job}.id
        )
    ))
    else {_young(f"{job}.finished_at")} end)
"""


# what a kept job borrows is kept with it, but what became a dataset is a copy by then
_BORROWS = f"{_kept('borrower')} and (borrower.finished_at is null or not borrower.system)"
_VERDICTS = text(f"""
select asked.id, case
    when (job.id is not null and {_kept("job")}) or exists (
        select from jobs borrower
        where borrower.borrows @> to_jsonb(array[asked.id]) and {_BORROWS}
    ) then 'kept'
    when job.system and exists (select from datasets where id = job.dataset_id) then 'replaced'
    when job.id is not null then 'expired'
    else 'deleted' end as verdict
from unnest(cast(:ids as uuid[])) asked (id)
left join jobs job on job.id = asked.id
left join garbage on garbage.job_id = asked.id
where job.id is not null or garbage.job_id is not null or exists (
    select from jobs borrower where borrower.borrows @> to_jsonb(array[asked.id])
)
""")
_COLLECTED = text("delete from garbage where job_id = any(:ids)")
_OPEN = text("""
select count(*) from jobs where tenant_id = :tenant and not system and status in
    ('scheduled', 'blocked', 'queued', 'running', 'retrying', 'cancelling')
""")
