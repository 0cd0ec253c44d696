"""What operators call: queues, workers; and which jobs they mean."""

from collections import Counter
from datetime import datetime
from typing import Any, TypedDict
from urllib.parse import quote
from uuid import UUID

from msgspec.structs import replace

from tidemill_client.datasets import Datasets
from tidemill_contracts.bulk import BulkDone, BulkJobs, BulkOp, JobFilter
from tidemill_contracts.failures import DeadLetter, Failure, Redriven
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import JobStatus
from tidemill_contracts.pages import Page
from tidemill_contracts.queues import PauseQueue, Queue
from tidemill_contracts.work import WorkerInfo


class FilterFields(TypedDict, total=False):
    """The fields of JobFilter, as `jobs` takes them by name."""

    status: list[JobStatus]
    processor: str
    labels: dict[str, str]
    queue: str
    pipeline: str
    retry_of: UUID
    system: bool
    created_after: datetime
    created_before: datetime


def filter_query(wanted: JobFilter) -> dict[str, Any]:
    """A filter as a query: what is not asked for is left out, a list is repeated."""
    after, before = wanted.created_after, wanted.created_before
    return {
        "status": [status.value for status in wanted.status] or None,
        "label": [f"{key}:{value}" for key, value in wanted.labels.items()] or None,
        "processor": wanted.processor,
        "queue": wanted.queue,
        "pipeline": wanted.pipeline,
        "retry_of": wanted.retry_of,
        "system": "true" if wanted.system else None,
        "created_after": after and after.isoformat(),
        "created_before": before and before.isoformat(),
    }


class Operations(Datasets):
    """The part of the client that looks after a running system."""

    async def queues(self) -> list[Queue]:
        """The queues, with how much of the tenant's work waits and runs in each."""
        return (await self.get("/v1/queues", Page[Queue])).items

    async def pause_queue(self, name: str, *, everyone: bool = False) -> Queue:
        """Start nothing of the tenant's in this queue; `everyone` is for administrators."""
        return await self._switch(name, "pause", everyone=everyone)

    async def resume_queue(self, name: str, *, everyone: bool = False) -> Queue:
        """Let what waits in this queue start again."""
        return await self._switch(name, "resume", everyone=everyone)

    async def workers(self) -> list[WorkerInfo]:
        """The workers, live or not."""
        return (await self.get("/v1/workers", Page[WorkerInfo])).items

    async def failures(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
    ) -> list[Failure]:
        """Failed jobs by what they have in common, of the last seven days unless `since`."""
        query = {
            "since": since and since.isoformat(),
            "until": until and until.isoformat(),
            "limit": limit,
        }
        return (await self.get("/v1/failures", Page[Failure], query)).items

    async def dead_letters(
        self, *, kind: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[DeadLetter]:
        """Jobs (`job`) and events (`message`) that nobody tries again by itself, newest first."""
        query = {"kind": kind, "limit": limit, "cursor": cursor}
        return await self.get("/v1/dead-letters", Page[DeadLetter], query)

    async def dead_letter(self, letter_id: UUID) -> DeadLetter:
        return await self.get(f"/v1/dead-letters/{letter_id}", DeadLetter)

    async def redrive(self, letter_id: UUID) -> Redriven:
        """Try again what a letter is about."""
        return await self.post(f"/v1/dead-letters/{letter_id}/redrive", Redriven)

    async def discard_dead_letter(self, letter_id: UUID) -> None:
        await self.gateway.call("DELETE", f"/v1/dead-letters/{letter_id}")

    async def bulk(
        self,
        op: BulkOp,
        wanted: JobFilter,
        *,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> BulkDone:
        """Cancel, retry or delete all jobs that fit, however many; `dry_run` only counts them."""
        order, key = BulkJobs(op=op, filter=wanted, dry_run=dry_run), idempotency_key
        matched, outcomes = 0, Counter[str]()
        while True:
            done = await self.post("/v1/jobs/bulk", BulkDone, order, key=key or str(uuid7()))
            matched += done.matched
            outcomes.update(done.outcomes)
            if done.next_cursor is None:
                return BulkDone(matched=matched, outcomes=dict(outcomes))
            order = replace(order, cursor=done.next_cursor)

    async def _switch(self, name: str, verb: str, *, everyone: bool) -> Queue:
        path = f"/v1/queues/{quote(name, safe='')}/{verb}"
        return await self.post(path, Queue, PauseQueue(everyone=everyone))
