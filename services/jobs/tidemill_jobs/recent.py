"""Jobs as this process last wrote them, so that the next command need not read them again."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from tidemill_jobs.records import JobRecord

MAX_JOBS = 4_096
MAX_BYTES = 4_096


class RecentJobs:
    """Small open jobs without outputs, each with the transaction that wrote its row (xmin).

    Whoever changes a job or its tasks writes the job's row. A row that still has the xmin of our
    own transaction is therefore as we left it, tasks included.
    """

    def __init__(self) -> None:
        self._kept: dict[UUID, tuple[int, JobRecord]] = {}

    def holds(self, ids: Iterable[UUID]) -> bool:
        """Whether any of these is here."""
        return any(job_id in self._kept for job_id in ids)

    def take_all(self, ids: Iterable[UUID]) -> dict[UUID, tuple[int, JobRecord]] | None:
        """All of these jobs, each with the transaction that wrote it; they are no longer kept.

        None where one is missing, or shares a concurrency key with others.
        """
        found = {job_id: self._kept.get(job_id) for job_id in ids}
        if any(kept is None or kept[1].key is not None for kept in found.values()):
            return None
        return {job_id: self._kept.pop(job_id) for job_id in found}

    def take(self, written_by: Mapping[UUID, int]) -> dict[UUID, JobRecord]:
        """Those of these locked jobs that nobody has written since; they are no longer kept."""
        found: dict[UUID, JobRecord] = {}
        for job_id, transaction in written_by.items():
            kept = self._kept.pop(job_id, None)
            if kept is not None and kept[0] == transaction:
                found[job_id] = kept[1]
        return found

    def keep(self, transaction: int, jobs: Iterable[JobRecord]) -> None:
        """Remember what this transaction, which has committed, wrote."""
        if len(self._kept) > MAX_JOBS:
            self._kept.clear()
        for job in jobs:
            if _is_small(job):
                job.events, job.attempts = [], []
                self._kept[job.id] = transaction, job


def _is_small(job: JobRecord) -> bool:
    if job.status.is_final or job.size > MAX_BYTES:
        return False
    return all(step.kept is None for step in job.steps)
