"""What keeps a job from being queued: its dataset, a paused queue, no worker, its key."""

from uuid import UUID

from tidemill_contracts.datasets import DatasetStatus
from tidemill_contracts.jobs import BlockedReason
from tidemill_jobs.records import Facts, JobRecord

_NOBODY_KNOWS = UUID(int=0)


def obstacle(job: JobRecord, facts: Facts) -> BlockedReason | None:
    """The first thing that a job waits for; without any it takes its concurrency key."""
    if job.dataset_id is not None and not job.system:
        dataset = facts.datasets.get(job.dataset_id)
        # one that is read again keeps its frame, but whoever comes now wants the one to be made
        if dataset is None or dataset.frame is None or dataset.status is DatasetStatus.VALIDATING:
            return BlockedReason.DATASET
    queues = [task.queue for task in job.tasks]
    if any(facts.holds_back(job.tenant_id, queue) for queue in queues):
        return BlockedReason.QUEUE_PAUSED
    if not facts.processors.issuperset([step.processor for step in job.steps]):
        return BlockedReason.NO_WORKER
    if facts.queues is not None and not facts.queues.issuperset(queues):
        return BlockedReason.NO_WORKER
    return None if _has_its_key(job, facts) else BlockedReason.CONCURRENCY_KEY


def _has_its_key(job: JobRecord, facts: Facts) -> bool:
    """Whether its concurrency key is its own, or free; it is kept until the job has ended."""
    if job.key is None:
        return True
    holder = facts.holders.get(job.key, _NOBODY_KNOWS)
    if holder is None:
        facts.holders[job.key] = job.id
    return holder in (None, job.id)
