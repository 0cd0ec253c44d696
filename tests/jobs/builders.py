"""Jobs, workers' words and facts as the jobs service's tests say them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from tidemill_contracts.datasets import DatasetStatus, Frame, Part
from tidemill_contracts.ids import uuid7
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError, JobStatus, StepSpec, Timeouts
from tidemill_contracts.processors import ProcessorInfo, Returns, Takes
from tidemill_contracts.work import (
    ClaimTask,
    Ending,
    Failed,
    Held,
    Payload,
    ReportTask,
    StepOutput,
)
from tidemill_jobs import dispatch, lifecycle, plan
from tidemill_jobs.records import DatasetCopy, Facts, JobRecord, TaskRecord, TaskStatus

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOOT = UUID(int=1)
FRAME = Frame([Part("t/d/part-00000.parquet", 3, 900, "ab" * 32)], 2)
AMOUNT = {
    "type": "object",
    "properties": {"amount": {"type": "number"}},
    "required": ["amount"],
    "additionalProperties": False,
}


def a_processor(name: str, takes: Takes, returns: Returns, **more: Any) -> ProcessorInfo:
    return ProcessorInfo(name=name, version="1", summary=name, takes=takes, returns=returns, **more)


PROCESSORS = {
    info.name: info
    for info in (
        a_processor("noop", Takes.VALUE, Returns.VALUE, pure=True, input_required=False),
        a_processor("wait", Takes.VALUE, Returns.VALUE, input_required=False),
        a_processor("add", Takes.VALUE, Returns.VALUE, pure=True, params_schema=AMOUNT),
        a_processor("draw", Takes.NOTHING, Returns.VALUE),
        a_processor("check", Takes.VALUE, Returns.NOTHING, input_required=False),
        a_processor("normalize", Takes.DATASET, Returns.DATASET),
        a_processor("measure", Takes.DATASET, Returns.VALUE),
        a_processor("both", Takes.DATASET, Returns.BOTH),
        a_processor("render", Takes.VALUE, Returns.VALUE, queue="gpu", input_required=False),
        a_processor("ingest", Takes.NOTHING, Returns.BOTH, system=True),
    )
}


def some_facts(now: datetime = START, **changes: Any) -> Facts:
    """A worker named `w` with boot 1 lives and has every processor."""
    found = Facts(
        now=now,
        jitter=0.5,
        lease_s=30.0,
        order_s=15.0,
        boots={"w": BOOT},
        processors=frozenset(PROCESSORS),
        paused=frozenset(),
        datasets={},
    )
    return msgspec.structs.replace(found, **changes)


def later(seconds: float, **changes: Any) -> Facts:
    return some_facts(START + timedelta(seconds=seconds), **changes)


def a_draft(*steps: StepSpec | str, **given: Any) -> JobRecord:
    """A job that nobody has submitted yet; a step's name alone is a step of that processor."""
    specs = [
        StepSpec(processor=step) if isinstance(step, str) else step for step in steps or ("wait",)
    ]
    value = given.pop("value", None)
    made = plan.plan(
        specs,
        PROCESSORS,
        has_dataset=given.get("dataset_id") is not None,
        has_value=value is not None,
    )
    job_id, tenant_id = uuid7(), given.pop("tenant_id", None) or uuid4()
    return JobRecord(
        id=job_id,
        tenant_id=tenant_id,
        status=JobStatus.QUEUED,
        steps=made.steps,
        given=Payload(value=value),
        tasks=plan.tasks(made, job_id, tenant_id, 4),
        created_at=given.pop("created_at", START),
        updated_at=START,
        **given,
    )


def a_job(*steps: StepSpec | str, facts: Facts | None = None, **given: Any) -> JobRecord:
    """A submitted job."""
    job = a_draft(*steps, **given)
    lifecycle.submit(job, facts or some_facts())
    return job


def send_out(job: JobRecord, now: datetime = START) -> list[TaskRecord]:
    """Dispatch whatever is queued."""
    queued = [task for task in job.tasks if task.status is TaskStatus.QUEUED]
    for task in queued:
        dispatch.order(job, task, now)
    return queued


def a_claim(task: TaskRecord, **changes: Any) -> ClaimTask:
    """What a worker says that holds the newest order of this task."""
    said = ClaimTask(
        task_id=task.id,
        job_id=task.job_id,
        dispatch=task.dispatch,
        run_id=uuid4(),
        worker="w",
        boot_id=BOOT,
    )
    return msgspec.structs.replace(said, **changes)


def begin(job: JobRecord, facts: Facts | None = None) -> list[TaskRecord]:
    """Dispatch what is queued and have it claimed."""
    facts = facts or some_facts()
    begun = send_out(job, facts.now)
    for task in begun:
        lifecycle.claim(job, a_claim(task), facts)
    return begun


def a_report(task: TaskRecord, ending: Ending | None = None, **changes: Any) -> ReportTask:
    """The next report of the attempt that owns this task."""
    said = ReportTask(
        task_id=task.id,
        job_id=task.job_id,
        attempt=task.attempt,
        run_id=task.run_id or uuid4(),
        ordinal=task.ordinal + 1,
        ending=ending,
    )
    return msgspec.structs.replace(said, **changes)


def outputs_of(job: JobRecord, task: TaskRecord, value: Any = 1) -> list[StepOutput]:
    """An output for each step of the task that has none."""
    return [
        StepOutput(step=step.name, payload=Payload(value=value), media_type="application/json")
        for step in (job.steps[index] for index in task.steps)
        if step.kept is None
    ]


def a_failure(
    kind: FailureKind = FailureKind.TRANSIENT,
    code: str = "broken",
    **more: Any,
) -> Failed:
    return Failed(failure=kind, error=JobError(code=code, message="it broke"), **more)


def held(task: TaskRecord) -> Held:
    return Held(
        task_id=task.id,
        job_id=task.job_id,
        attempt=task.attempt,
        run_id=task.run_id or uuid4(),
    )


def a_dataset(status: DatasetStatus, tenant_id: UUID | None = None) -> DatasetCopy:
    frame = FRAME if status is DatasetStatus.READY else None
    return DatasetCopy(uuid7(), tenant_id or uuid4(), status, frame)


def types(job: JobRecord) -> list[str]:
    """The job's events so far, without their context."""
    return [event.type.removeprefix("job.") for event in job.events]


def short(**limits: float) -> Timeouts:
    return Timeouts(**limits)


FORK = (
    StepSpec(processor="draw", name="a"),
    StepSpec(processor="wait", name="b", needs=[]),
    StepSpec(processor="wait", name="c", needs=["a", "b"]),
)
