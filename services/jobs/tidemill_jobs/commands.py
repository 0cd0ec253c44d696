"""What can be asked of the ledger: each command names what it needs and decides in memory."""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from msgspec import Struct

from tidemill_contracts.jobs import CancelJob, Job, JobStatus
from tidemill_contracts.problems import FieldError
from tidemill_contracts.work import (
    Beat,
    BeatOutcome,
    CancelTask,
    ClaimAnswer,
    ClaimOutcome,
    ClaimTask,
    ReportOutcome,
    ReportTask,
)
from tidemill_jobs import lifecycle, reports
from tidemill_jobs.book import Accepted, Book, IdempotencyKey, KeyRow, StoredAnswer
from tidemill_jobs.records import JobRecord, Key, TaskStatus
from tidemill_jobs.refusals import (
    DatasetNotFound,
    DatasetUnknownYet,
    DatasetUnusable,
    JobNotFound,
    Unstorable,
)
from tidemill_jobs.shown import public
from tidemill_kit.idempotency import IdempotencyKeyReused

ACCEPTED = 202
_encode = msgspec.json.Encoder().encode


class Command(Struct, kw_only=True, eq=False):
    """Something asked of the ledger; `answer` is set once its group is committed.

    `size` is about how many bytes it makes the ledger write.
    """

    urgent: ClassVar[bool] = True
    answer: asyncio.Future[Any]
    size: int = 0

    @property
    def job_ids(self) -> list[UUID]:
        return []

    @property
    def known_ids(self) -> list[UUID]:
        """Those of `job_ids` that may be there when this is asked for the first time."""
        return self.job_ids

    @property
    def dataset_ids(self) -> list[UUID]:
        return []

    @property
    def keys(self) -> list[IdempotencyKey]:
        return []

    @property
    def reads(self) -> bool:
        """Whether its decision rests on rows of other things than its jobs."""
        return False

    @property
    def concurrency_keys(self) -> list[Key]:
        """Those of jobs that it may make; those of its `job_ids` are known without."""
        return []

    def decide(self, book: Book) -> Any:
        raise NotImplementedError

    def refuse_data(self) -> Any:
        """What answers a command whose data PostgreSQL does not take."""
        raise Unstorable


class Submit(Command, kw_only=True, eq=False):
    """Make a job; `build` makes the same draft, with the same ids, each time it is called."""

    urgent: ClassVar[bool] = False
    build: Callable[[], JobRecord]
    job_id: UUID
    dataset_id: UUID | None = None
    key: IdempotencyKey | None = None
    concurrency_key: Key | None = None
    cursor: str = ""

    @property
    def job_ids(self) -> list[UUID]:
        return [self.job_id]

    @property
    def known_ids(self) -> list[UUID]:
        return []

    @property
    def dataset_ids(self) -> list[UUID]:
        return [self.dataset_id] if self.dataset_id else []

    @property
    def keys(self) -> list[IdempotencyKey]:
        return [self.key] if self.key else []

    @property
    def reads(self) -> bool:
        asked = (self.key, self.dataset_id, self.concurrency_key)
        return any(each is not None for each in asked)

    @property
    def concurrency_keys(self) -> list[Key]:
        return [self.concurrency_key] if self.concurrency_key else []

    def decide(self, book: Book) -> Accepted:
        if earlier := self._earlier(book):
            return earlier
        job = book.jobs.get(self.job_id)
        if job is None:
            if not book.jobs.keys() >= set(self.known_ids):
                raise JobNotFound
            job = self.build()
            self._check_dataset(job, book)
            lifecycle.submit(job, book.facts)
            book.jobs[job.id] = job
            book.added.append(job)
            book.touched.add(job.id)
        shown = msgspec.structs.replace(public(job), cursor=self.cursor)
        accepted = Accepted(job.id, _encode(shown))
        if self.key is not None:
            place = (self.key.tenant_id, self.key.route, self.key.key)
            book.keys[place] = StoredAnswer(self.key.fingerprint, accepted)
            row = KeyRow(*place, self.key.fingerprint, accepted.body, ACCEPTED)
            book.new_keys.append(row)
        return accepted

    def refuse_data(self) -> Any:
        """Names the labels: PostgreSQL takes NUL in everything else that is given."""
        labels = self.build().labels
        found = [key for key, value in labels.items() if "\0" in key + value]
        raise Unstorable(errors=[FieldError(f"labels.{key}", "holds NUL") for key in found])

    def _earlier(self, book: Book) -> Accepted | None:
        if self.key is None:
            return None
        stored = book.keys.get((self.key.tenant_id, self.key.route, self.key.key))
        if stored is None:
            return None
        if stored.fingerprint != self.key.fingerprint:
            raise IdempotencyKeyReused
        return Accepted(stored.accepted.job_id, stored.accepted.body, replayed=True)

    def _check_dataset(self, job: JobRecord, book: Book) -> None:
        if job.dataset_id is None or job.system:
            return
        dataset = book.facts.datasets.get(job.dataset_id)
        if dataset is None:
            raise DatasetUnknownYet
        if dataset.tenant_id != job.tenant_id:
            raise DatasetNotFound
        if dataset.status in lifecycle.NEVER_READY:
            raise DatasetUnusable(dataset_status=dataset.status.value)


class Retry(Submit, kw_only=True, eq=False):
    """Make a job of one that ended; that one is locked, so that it is not deleted meanwhile."""

    retry_of: UUID

    @property
    def known_ids(self) -> list[UUID]:
        return [self.retry_of]

    @property
    def job_ids(self) -> list[UUID]:
        return [self.retry_of, self.job_id]


class Claim(Command, kw_only=True, eq=False):
    asked: ClaimTask

    @property
    def job_ids(self) -> list[UUID]:
        return [self.asked.job_id]

    def decide(self, book: Book) -> ClaimAnswer:
        job = book.touch(self.asked.job_id)
        if job is None:
            return ClaimAnswer(outcome=ClaimOutcome.GONE)
        return lifecycle.claim(job, self.asked, book.facts)


class Report(Command, kw_only=True, eq=False):
    said: ReportTask

    @property
    def job_ids(self) -> list[UUID]:
        return [self.said.job_id]

    def decide(self, book: Book) -> ReportOutcome:
        job = book.touch(self.said.job_id)
        if job is None:
            return ReportOutcome.TERMINAL
        return reports.report(job, self.said, book.facts)

    def refuse_data(self) -> "Report":
        """The same report as a failure: its output cannot be kept."""
        return Report(answer=self.answer, said=reports.as_unstorable(self.said))


class SignOfLife(Command, kw_only=True, eq=False):
    beat: Beat

    @property
    def job_ids(self) -> list[UUID]:
        return [held.job_id for held in self.beat.held]

    def decide(self, book: Book) -> list[BeatOutcome]:
        found: list[BeatOutcome] = []
        for held in self.beat.held:
            job = book.touch(held.job_id)
            outcome = reports.beat(job, held, book.facts) if job else BeatOutcome.SUPERSEDED
            found.append(outcome)
        return found


class CancelOne(Command, kw_only=True, eq=False):
    """Cancel a tenant's job; answers the job, whom to tell, and whether this changed anything."""

    tenant_id: UUID
    job_id: UUID
    order: CancelJob
    by: UUID | None = None

    @property
    def job_ids(self) -> list[UUID]:
        return [self.job_id]

    def decide(self, book: Book) -> tuple[Job, list[CancelTask], bool]:
        job = book.touch(self.job_id)
        if job is None or job.tenant_id != self.tenant_id:
            raise JobNotFound
        changed = lifecycle.cancel(job, self.order, book.facts.now, self.by)
        return public(job), signals(job), changed


class Revisit(Command, kw_only=True, eq=False):
    """Make jobs true again; answers those that are being cancelled."""

    ids: list[UUID]
    order_s: float | None = None

    @property
    def job_ids(self) -> list[UUID]:
        return self.ids

    @property
    def reads(self) -> bool:
        return True

    def decide(self, book: Book) -> list[CancelTask]:
        told: list[CancelTask] = []
        facts = book.facts
        if self.order_s is not None:
            facts = msgspec.structs.replace(facts, order_s=self.order_s)
        for job_id in self.ids:
            job = book.touch(job_id)
            if job is not None:
                lifecycle.revisit(job, facts)
                told += signals(job)
        return told


def signals(job: JobRecord) -> list[CancelTask]:
    """Whom to tell that a job is being cancelled."""
    if job.status is not JobStatus.CANCELLING or job.cancel is None:
        return []
    return [
        CancelTask(
            task_id=task.id,
            job_id=job.id,
            attempt=task.attempt,
            run_id=task.run_id,
            grace_s=job.cancel.grace_s,
        )
        for task in job.tasks
        if task.status is TaskStatus.RUNNING and task.run_id is not None
    ]
