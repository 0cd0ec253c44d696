"""The client: one method for each thing a user of Tidemill does."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, TypedDict, Unpack
from urllib.parse import quote
from uuid import UUID

import msgspec

from tidemill_client import settling
from tidemill_client.archives import Archives
from tidemill_client.downloads import Download
from tidemill_client.lines import Log, LogFilter
from tidemill_client.live import Live
from tidemill_client.offsets import Offsets
from tidemill_client.operations import FilterFields, filter_query
from tidemill_client.people import People
from tidemill_client.pipelines import Pipelines
from tidemill_client.schedules import Schedules
from tidemill_client.subscription import Item, Received, Subscription, received
from tidemill_client.webhooks import Webhooks
from tidemill_contracts.bulk import JobFilter
from tidemill_contracts.datasets import Dataset
from tidemill_contracts.job_events import JobCancelled, JobExpired, JobFailed, JobSucceeded
from tidemill_contracts.jobs import (
    Attempt,
    CancelJob,
    Job,
    RetryJob,
    StepSpec,
    SubmitBatch,
    SubmitJob,
    Timeouts,
)
from tidemill_contracts.lines import LogLine, LogPage
from tidemill_contracts.pages import Page, StreamedEvent
from tidemill_contracts.problems import Problem
from tidemill_contracts.stream import Logged

ENDINGS = (JobSucceeded, JobFailed, JobCancelled, JobExpired)
MOST = 1_000


class JobFields(TypedDict, total=False):
    """The fields of SubmitJob, as `submit` takes them by name."""

    steps: list[StepSpec]
    processor: str
    params: dict[str, Any]
    dataset_id: UUID
    value: Any
    queue: str
    priority: int
    labels: dict[str, str]
    run_at: datetime
    timeouts: Timeouts
    max_attempts: int
    concurrency_key: str


class Client(Webhooks, People, Schedules, Pipelines, Archives):
    """Speaks to one Tidemill: `async with Client(url) as tidemill: await tidemill.sign_in(…)`.

    `token` is an access token or an API key. Calls that are safe to repeat are tried `retries`
    times more. Raises ApiProblem for a refusal, Unreachable or Broken where there is no answer.
    """

    async def wait_dataset(self, dataset_id: UUID) -> Dataset:
        """The dataset once it is ready, rejected or deleted.

        One that was read again and could not be is ready as before; its `reading` says why.
        """
        while (dataset := await self.dataset(dataset_id)).status in settling.UNSETTLED:
            async with self.live(f"dataset.{dataset_id}", since="start") as items:
                async for item in items:
                    if settling.settles(item, dataset):
                        break
        return dataset

    async def follow_dataset(self, dataset: Dataset) -> AsyncGenerator[Item]:
        """What happens to a dataset, and how far the job is that reads it again, to the end of it.

        `dataset` is what `ingest_again` answered.
        """
        told = list(settling.TOLD)
        async with self.live("all", types=told, since=dataset.cursor or "start") as items:
            async for item in items:
                if settling.concerns(item, dataset):
                    yield item
                if settling.settles(item, dataset):
                    return

    async def submit(
        self,
        order: SubmitJob | None = None,
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[JobFields],
    ) -> Job:
        """Hand in a job, given whole or by its fields; a second try with the key makes no other."""
        order = order or SubmitJob(**fields)
        return await self.post("/v1/jobs", Job, order, key=idempotency_key)

    async def submit_batch(
        self,
        orders: Sequence[SubmitJob],
        *,
        idempotency_key: str | None = None,
    ) -> list[Job | Problem]:
        """Hand in up to 1,000 jobs; the answers stand in their order, refusals among them.

        A second try with the key makes no job twice.
        """
        body = SubmitBatch(jobs=[msgspec.to_builtins(order) for order in orders])
        page = Page[dict[str, Any]]
        answers = await self.post("/v1/jobs/batch", page, body, key=idempotency_key)
        return [msgspec.convert(item, _kind(item)) for item in answers.items]

    async def job(self, job_id: UUID, *, at: str | None = None) -> Job:
        """A job as it is, or as it was at a cursor."""
        return await self.get(f"/v1/jobs/{job_id}", Job, {"at": at})

    async def jobs(
        self,
        wanted: JobFilter | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
        **fields: Unpack[FilterFields],
    ) -> Page[Job]:
        """The newest that fit; `cursor` is the `next_cursor` of the page before.

        A page may hold fewer than `limit` jobs; only one without `next_cursor` is the last.
        """
        query = filter_query(wanted or JobFilter(**fields))
        return await self.get("/v1/jobs", Page[Job], {**query, "limit": limit, "cursor": cursor})

    async def cancel(
        self, job_id: UUID, *, reason: str | None = None, grace_s: float = 10.0
    ) -> Job:
        """Stop a job; a running one has `grace_s` seconds to end by itself."""
        order = CancelJob(reason=reason, grace_s=grace_s)
        return await self.post(f"/v1/jobs/{job_id}/cancel", Job, order)

    async def retry(
        self,
        job_id: UUID,
        *,
        from_step: str | None = None,
        params: Mapping[str, dict[str, Any]] | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Run a job that ended again, as a new one; `params` replaces those of named steps.

        With `from_step` the outputs of the steps before it are used again.
        """
        order = RetryJob(from_step=from_step, params=dict(params or {}))
        return await self.post(f"/v1/jobs/{job_id}/retry", Job, order, key=idempotency_key)

    async def delete_job(self, job_id: UUID) -> None:
        """Delete a job that has ended, with its results; its events stay for their time."""
        await self.gateway.call("DELETE", f"/v1/jobs/{job_id}")

    async def result(self, job_id: UUID, *, step: str | None = None) -> Any:
        """The value a job or one of its steps gave; the bytes of a table."""
        return await self.output(job_id, step=step).value()

    def output(
        self,
        job_id: UUID,
        *,
        step: str | None = None,
        format: str | None = None,  # noqa: A002 - the API's word
        safe: bool = False,
    ) -> Download:
        """What a job or one of its steps gave, to read, save or stream.

        In a `safe` CSV file no text is a formula to a spreadsheet.
        """
        path = f"/v1/jobs/{job_id}" + (f"/steps/{quote(step, safe='')}" if step else "")
        return Download(self.gateway, f"{path}/result", format=format, safe=safe)

    async def attempts(self, job_id: UUID) -> list[Attempt]:
        """Every attempt with its worker, its times and its error, oldest first."""
        return (await self.get(f"/v1/jobs/{job_id}/attempts", Page[Attempt])).items

    async def job_events(self, job_id: UUID) -> list[Received]:
        """A job's whole history, oldest first."""
        found: list[Received] = []
        cursor: str | None = None
        while True:
            query = {"limit": MOST, "cursor": cursor}
            page = await self.get(f"/v1/jobs/{job_id}/events", Page[dict[str, Any]], query)
            found += [event for body in page.items if (event := received(body))]
            if not (cursor := page.next_cursor):
                return found

    async def logs(
        self,
        job_id: UUID,
        *,
        after: str | None = None,
        limit: int = 50,
        **which: Unpack[LogFilter],
    ) -> LogPage:
        """A page of what a job's processors said, oldest first; `after` is a `cursor` of before."""
        return await Log(self.gateway, job_id, **which).page(after=after, limit=limit)

    def log_lines(
        self, job_id: UUID, *, follow: bool = False, **which: Unpack[LogFilter]
    ) -> AsyncGenerator[LogLine]:
        """All that a job's processors said; with `follow` also what they say until it ends."""
        log = Log(self.gateway, job_id, **which)
        return log.follow() if follow else log.kept()

    def live(
        self,
        *topics: str,
        types: Sequence[str] | None = None,
        since: str | None = None,
        offsets: Offsets | None = None,
    ) -> Live:
        """`async with` it: a subscription to `all`, `job.<id>` or `dataset.<id>`.

        `since` is a cursor, `start` or `now`; what `offsets` has kept comes first. It yields
        events, progress, lines of a job's log and, where events cannot be had any more, gaps.
        """
        kept = offsets.load() if offsets else None
        subscription = Subscription(
            list(topics) or ["all"], types=list(types) if types else None, since=kept or since
        )
        return Live(self.gateway, subscription, offsets)

    async def events(
        self,
        *,
        after: str | None = None,
        types: Sequence[str] | None = None,
        job_id: UUID | None = None,
        dataset_id: UUID | None = None,
        follow: bool = False,
        offsets: Offsets | None = None,
    ) -> AsyncGenerator[Item]:
        """What happened after this cursor, oldest first; with `follow` also what happens next.

        `after` may also be `start`, or a moment as RFC 3339 writes it. What follows keeps its
        place in `offsets`, and goes on from there.
        """
        if follow:
            of = (("job", job_id), ("dataset", dataset_id))
            topics = [f"{name}.{key}" for name, key in of if key]
            since = after or "start"
            async with self.live(*topics, types=types, since=since, offsets=offsets) as items:
                async for item in items:
                    if not isinstance(item, Logged):
                        yield item
        while not follow:
            query: dict[str, Any] = {"after": after, "limit": MOST}
            query |= {"job_id": job_id, "dataset_id": dataset_id}
            query["types"] = ",".join(types) if types else None
            page = await self.get("/v1/events", Page[StreamedEvent], query)
            for each in page.items:
                if event := received(each.event, cursor=each.cursor, replay=True):
                    yield event
            after = page.next_cursor
            if not after or not page.items:
                return

    async def follow(self, job_id: UUID, *, lines: bool = False) -> AsyncGenerator[Item]:
        """Events and progress of a job to its ending; with `lines` also what is being said."""
        async with self.live(f"job.{job_id}", since="start") as items:
            async for item in items:
                if lines or not isinstance(item, Logged):
                    yield item
                if isinstance(item, Received) and isinstance(item.event, ENDINGS):
                    return

    async def wait(self, job_id: UUID) -> Job:
        """The job once it has ended; put it under `asyncio.timeout` to wait no longer than that."""
        while not (job := await self.job(job_id)).status.is_final:
            async with aclosing(self.follow(job_id)) as items:
                async for _ in items:
                    pass
        return job


def _kind(item: dict[str, Any]) -> type[Job | Problem]:
    return Problem if "code" in item else Job
