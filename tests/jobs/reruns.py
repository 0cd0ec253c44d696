"""What is promised of an ended job that is run again, from whichever step."""

from datetime import datetime

from tests.jobs.builders import PROCESSORS, a_dataset, a_report, begin, outputs_of, some_facts
from tidemill_contracts.datasets import DatasetStatus
from tidemill_contracts.jobs import JobStatus, RetryJob, StepStatus
from tidemill_contracts.work import Succeeded
from tidemill_jobs import lifecycle, reports, rerun
from tidemill_jobs.records import JobRecord


def run_again(job: JobRecord, name: str, now: datetime) -> None:
    """What is used again stays as it is and is not run; the rest can succeed."""
    queues = {index: task.queue for task in job.tasks for index in task.steps}
    order = RetryJob(from_step=name)
    try:
        made = rerun.draft(job, order, PROCESSORS, created_by=None, queues=queues)
    except rerun.OutputsMissing:
        return
    reused = {step.name: step.kept for step in made.steps if step.status is not StepStatus.PENDING}
    ready = a_dataset(DatasetStatus.READY)
    made.dataset_id = ready.id
    holders = {made.key: made.id} if made.key else {}
    facts = some_facts(now, holders=holders, datasets={ready.id: ready})
    lifecycle.submit(made, facts)
    while not made.status.is_final:
        for task in begin(made, facts):
            outputs = outputs_of(made, task)
            left = [output for output in outputs if output.step not in reused]
            reports.report(made, a_report(task, Succeeded(), outputs=left), facts)
    assert made.status is JobStatus.SUCCEEDED
    assert {step.name: step.kept for step in made.steps if step.name in reused} == reused
