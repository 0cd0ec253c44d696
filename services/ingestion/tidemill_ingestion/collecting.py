"""The collector: finds stored objects that nobody needs any more, and removes them.

Objects lead, rows answer: both buckets are listed, and whoever owns what lies there is asked.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import text

from tidemill_contracts.collection import Collection, Heap, Verdict, Verdicts
from tidemill_contracts.ids import now
from tidemill_ingestion.reports import CollectionReports
from tidemill_ingestion.settings import Settings
from tidemill_kit.db import Database
from tidemill_kit.errors import failure_of
from tidemill_kit.objects import Objects, OpenParts, StoredObject

log = structlog.get_logger()
ASKED_AT_ONCE = 500
EXAMPLES = 20
type Ask = Callable[[list[UUID]], Awaitable[Verdicts]]
type Tell = Callable[[list[UUID]], Awaitable[None]]


class JobsService(Struct, frozen=True):
    """What is asked of the jobs service, and what it is told."""

    verdicts: Ask
    collected: Tell


class Collector:
    """One collection after another, each with a report."""

    def __init__(
        self,
        database: Database,
        storage: Objects,
        settings: Settings,
        jobs: JobsService,
    ) -> None:
        self._database = database
        self._storage = storage
        self._settings = settings
        self._jobs = jobs
        self.reports = CollectionReports(database)

    async def collect(self, report: Collection) -> Collection:
        """Collect, or on a dry run only look; a failure is part of the report."""
        run = _Run(report.dry_run)
        error = await failure_of(self._collect(report, run))
        reason = None if error is None else f"{type(error).__name__}: {error}"[:500]
        ended = replace(report, finished_at=now(), found=run.found, error=reason)
        await self.reports.finish(ended)
        counts = {kind: heap.count for kind, heap in run.found.items()}
        log.info("collection.ended", dry_run=report.dry_run, error=reason, **counts)
        return ended

    async def _collect(self, report: Collection, run: "_Run") -> None:
        datasets, results = self._settings.s3_datasets_bucket, self._settings.s3_results_bucket
        for bucket in (datasets, results):
            async for each in self._storage.open_parts(bucket):
                await self._look_at_parts(run, bucket, each)
        async for page in self._storage.below(datasets, ""):
            await self._look_at_uploads(run, page)
            await self.reports.beat(report)
        async for tenants in self._storage.folders(results, ""):
            for tenant in tenants:
                async for jobs in self._storage.folders(results, tenant):
                    await self._look_at_results(run, jobs)
                    await self.reports.beat(report)

    async def _look_at_parts(self, run: "_Run", bucket: str, each: OpenParts) -> None:
        """Parts of an upload that is not open, and that nobody has added to for long."""
        if not self._old(each.begun_at) or await self._rows(_OPEN, [each.parts_id]):
            return
        parts = await self._storage.parts(bucket, each.key, each.parts_id)
        if all(self._old(part.stored_at) for part in parts):
            run.add("abandoned_parts", each.key, sum(part.size_bytes for part in parts))
            if not run.dry:
                await self._storage.abort_parts(bucket, each.key, each.parts_id)

    async def _look_at_uploads(self, run: "_Run", page: list[StoredObject]) -> None:
        """Uploaded bytes that belong to no dataset and no upload."""
        old = [each for each in page if self._old(each.stored_at)]
        owned = await self._rows(_OWNED, [each.key for each in old])
        orphans = [each for each in old if each.key not in owned]
        for each in orphans:
            run.add("orphaned_uploads", each.key, each.size_bytes)
        if not run.dry:
            keys = [each.key for each in orphans]
            await self._storage.delete_all(self._settings.s3_datasets_bucket, keys)

    async def _look_at_results(self, run: "_Run", prefixes: list[str]) -> None:
        """Objects of jobs that were deleted, are over their retention, or never were."""
        found = {job_id: prefix for prefix in prefixes if (job_id := _job_of(prefix))}
        ids = list(found)
        for start in range(0, len(ids), ASKED_AT_ONCE):
            some = ids[start : start + ASKED_AT_ONCE]
            verdicts = (await self._jobs.verdicts(some)).of
            doomed = [each for each in some if verdicts.get(each) is not Verdict.KEPT]
            # what is or becomes a dataset's table is still needed, whatever the job's age
            needed = await self._rows(_FRAMES, [str(each) for each in doomed]) if doomed else set()
            gone = [
                each
                for each in doomed
                if str(each) not in needed
                and await self._remove(run, found[each], verdicts.get(each))
            ]
            if gone and not run.dry:
                await self._jobs.collected(gone)

    async def _remove(self, run: "_Run", prefix: str, verdict: Verdict | None) -> bool:
        bucket = self._settings.s3_results_bucket
        listed = [each async for page in self._storage.below(bucket, prefix) for each in page]
        if verdict is None and not all(self._old(each.stored_at) for each in listed):
            return False
        if not listed:
            # a store may show a folder for a while after its last object
            return True
        kind = f"{verdict or 'orphaned'}_results"
        run.add(kind, prefix, sum(each.size_bytes for each in listed))
        if not run.dry:
            await self._storage.delete_all(bucket, [each.key for each in listed])
        return True

    async def _rows(self, query: Any, values: list[str]) -> set[str]:
        async with self._database.transaction() as connection:
            return set((await connection.scalars(query, {"values": values})).all())

    def _old(self, moment: datetime) -> bool:
        return moment <= now() - timedelta(seconds=self._settings.orphan_age_s)


class _Run:
    """What one collection has found so far."""

    def __init__(self, dry: bool) -> None:  # noqa: FBT001 - its only word
        self.dry = dry
        self.found: dict[str, Heap] = {}

    def add(self, kind: str, name: str, size_bytes: int) -> None:
        heap = self.found.get(kind, Heap())
        examples = [*heap.examples, name] if len(heap.examples) < EXAMPLES else heap.examples
        self.found[kind] = Heap(heap.count + 1, heap.size_bytes + size_bytes, examples)


def _job_of(prefix: str) -> UUID | None:
    try:
        return UUID(prefix.rstrip("/").rpartition("/")[2])
    except ValueError:
        return None


_OPEN = text(
    "select parts_id from uploads where parts_id = any(:values)"
    " and status in ('uploading', 'verifying')",
)
_OWNED = text("""
select object_key from datasets where object_key = any(:values)
union select object_key from uploads
    where object_key = any(:values) and status in ('uploading', 'verifying')
""")
_FRAMES = text("""
select distinct split_part(part ->> 'key', '/', 2)
from datasets, jsonb_array_elements(frame -> 'parts') part
where purged_at is null and frame is not null and split_part(part ->> 'key', '/', 2) = any(:values)
union select reading ->> 'job_id' from datasets
where purged_at is null and status = 'validating' and reading ->> 'job_id' = any(:values)
""")
