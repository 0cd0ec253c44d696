"""How values and frames flow from step to step, and how far they may grow."""

from time import perf_counter

from tests.jobs.builders import (
    FRAME,
    a_dataset,
    a_failure,
    a_job,
    a_report,
    begin,
    outputs_of,
    some_facts,
)
from tidemill_contracts.datasets import DatasetStatus, Frame, Source
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobStatus, OnError, StepSpec
from tidemill_contracts.work import Payload, StepOutput, Succeeded
from tidemill_jobs import flow, reports
from tidemill_jobs.records import JobRecord
from tidemill_jobs.shown import public

MEASURED = Frame(FRAME.parts, 9)


def finish(job: JobRecord, *payloads: Payload) -> None:
    """Run every task that is ready with these outputs, in the order of the steps."""
    left = list(payloads)
    while begun := begin(job):
        for task in begun:
            names = [job.steps[index].name for index in task.steps]
            outputs = [StepOutput(step=name, payload=left.pop(0)) for name in names]
            reports.report(job, a_report(task, Succeeded(), outputs=outputs), some_facts())


def test_a_step_that_gives_nothing_passes_on_what_it_got() -> None:
    job = a_job("check", "wait", value=3)
    (task,) = begin(job)

    reports.report(
        job, a_report(task, outputs=[StepOutput(step="check", payload=Payload())]), some_facts()
    )

    assert flow.work(job, task).given.value == 3


def test_a_step_that_gives_nothing_has_no_result() -> None:
    job = a_job("check", value=3)

    finish(job, Payload())

    assert job.status is JobStatus.SUCCEEDED
    assert public(job).result is None


def test_a_value_step_between_two_dataset_steps_lets_the_frame_pass() -> None:
    ready = a_dataset(DatasetStatus.READY)
    job = a_job(
        "normalize",
        "measure",
        "normalize",
        dataset_id=ready.id,
        facts=some_facts(datasets={ready.id: ready}),
    )
    (task,) = begin(job)
    outputs = [
        StepOutput(step="normalize", payload=Payload(frame=MEASURED)),
        StepOutput(step="measure", payload=Payload(value=9)),
    ]

    reports.report(job, a_report(task, outputs=outputs), some_facts())

    given = flow.work(job, task).given
    assert (given.frame, given.value) == (MEASURED, 9)


def test_a_dataset_step_with_several_predecessors_gets_the_frame_of_its_input() -> None:
    ready = a_dataset(DatasetStatus.READY)
    job = a_job(
        StepSpec(processor="normalize", name="a"),
        StepSpec(processor="normalize", name="b", needs=[]),
        StepSpec(processor="measure", name="c", needs=["a", "b"], input="b"),
        dataset_id=ready.id,
        facts=some_facts(datasets={ready.id: ready}),
    )
    frames = (FRAME, MEASURED)
    for task, frame in zip(begin(job), frames, strict=True):
        name = job.steps[task.steps[0]].name
        outputs = [StepOutput(step=name, payload=Payload(frame=frame))]
        reports.report(job, a_report(task, Succeeded(), outputs=outputs), some_facts())

    (join,) = begin(job)

    assert flow.work(job, join).given.frame == MEASURED


def test_a_join_of_a_value_too_large_for_an_order_fails_instead_of_losing_it() -> None:
    job = a_job(
        StepSpec(processor="draw", name="a"),
        StepSpec(processor="draw", name="b", needs=[]),
        StepSpec(processor="wait", name="c", needs=["a", "b"]),
    )

    finish(job, Payload(value_ref=Source("k", 900_000, "ab" * 32)), Payload(value=1))

    assert job.error is not None
    assert (job.status, job.error.code, job.error.step) == (
        JobStatus.FAILED,
        "join_too_large",
        "c",
    )


def a_lattice(levels: int) -> JobRecord:
    """Each step joins the two before it, fails and passes its input on: sizes double."""
    specs = [
        StepSpec(processor="wait", name="s0"),
        StepSpec(processor="wait", name="s1", needs=[]),
    ]
    specs += [
        StepSpec(
            processor="wait",
            name=f"s{level}",
            needs=[f"s{level - 1}", f"s{level - 2}"],
            on_error=OnError.CONTINUE,
        )
        for level in range(2, levels)
    ]
    return a_job(*specs, value="x" * 100)


def test_a_lattice_of_joins_ends_before_its_values_grow_without_bound() -> None:
    job = a_lattice(50)
    started = perf_counter()

    while begun := begin(job):
        for task in begun:
            first = task.steps[0] < 2
            ending = Succeeded() if first else a_failure(FailureKind.DATA)
            outputs = outputs_of(job, task, "x") if first else []
            reports.report(job, a_report(task, ending, outputs=outputs), some_facts())

    assert job.error is not None
    assert job.error.code == "join_too_large"
    assert perf_counter() - started < 20


def test_a_lattice_of_small_values_is_walked_once() -> None:
    job = a_lattice(50)

    finish(job, *[Payload(value=number) for number in range(50)])

    assert job.status is JobStatus.SUCCEEDED
