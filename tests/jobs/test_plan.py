"""From the steps asked for to a plan: names, needs, parameters, what fits; and to tasks."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.jobs.builders import PROCESSORS
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import StepSpec, SubmitJob
from tidemill_jobs import plan
from tidemill_jobs.plan import Plan, StepsAmbiguous, StepsInvalid
from tidemill_jobs.records import TaskRecord
from tidemill_jobs.refusals import ParamsInvalid, ProcessorUnknown
from tidemill_kit.errors import TidemillError


def planned(*steps: StepSpec | str, dataset: bool = True, value: bool = True) -> Plan:
    specs = [StepSpec(processor=step) if isinstance(step, str) else step for step in steps]
    return plan.plan(specs, PROCESSORS, has_dataset=dataset, has_value=value)


def tasks_of(made: Plan) -> list[TaskRecord]:
    return plan.tasks(made, uuid7(), uuid4(), 4)


def field_of(error: TidemillError) -> str:
    return error.errors[0].field


def test_steps_are_a_chain_unless_they_say_otherwise() -> None:
    made = planned("wait", "wait", "wait")

    assert [step.needs for step in made.steps] == [[], ["wait"], ["wait-2"]]


def test_a_step_is_named_after_its_processor_and_numbered() -> None:
    made = planned("wait", "noop", "wait", "wait", "noop")

    assert [step.name for step in made.steps] == ["wait", "noop", "wait-2", "wait-3", "noop-2"]


def test_a_default_name_leaves_the_names_that_were_chosen_alone() -> None:
    made = planned("wait", StepSpec(processor="noop", name="wait"), "wait")

    assert [step.name for step in made.steps] == ["wait-2", "wait", "wait-3"]


def test_a_chain_of_one_queue_is_one_task() -> None:
    tasks = tasks_of(planned("wait", "wait", "wait"))

    assert [(task.steps, task.needs) for task in tasks] == [([0, 1, 2], [])]


def test_a_join_and_a_fork_divide_tasks() -> None:
    made = planned(
        StepSpec(processor="wait", name="a"),
        StepSpec(processor="wait", name="b"),
        StepSpec(processor="wait", name="c", needs=["b"]),
        StepSpec(processor="wait", name="d", needs=["b"]),
        StepSpec(processor="wait", name="e", needs=["c", "d"]),
    )

    assert [(task.steps, task.needs) for task in tasks_of(made)] == [
        ([0, 1], []),
        ([2], [0]),
        ([3], [0]),
        ([4], [1, 2]),
    ]


def test_a_step_on_another_queue_is_a_task_of_its_own() -> None:
    tasks = tasks_of(planned("wait", "render", StepSpec(processor="wait", queue="slow")))

    assert [task.queue for task in tasks] == ["default", "gpu", "slow"]


def test_a_pure_step_does_not_share_a_task_with_others() -> None:
    tasks = tasks_of(planned("noop", "noop", "wait"))

    assert [(task.steps, task.pure) for task in tasks] == [([0, 1], True), ([2], False)]


def test_a_task_has_at_most_sixteen_steps() -> None:
    tasks = tasks_of(planned(*["wait"] * 50))

    assert [len(task.steps) for task in tasks] == [16, 16, 16, 2]


def test_steps_may_be_listed_in_any_order() -> None:
    made = planned(
        StepSpec(processor="wait", name="last", needs=["first"]),
        StepSpec(processor="wait", name="first", needs=[]),
    )

    assert [task.needs for task in tasks_of(made)] == [[1], []]


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        (
            [StepSpec(processor="wait", name="a"), StepSpec(processor="wait", name="a")],
            "steps.1.name",
        ),
        ([StepSpec(processor="wait", needs=["nobody"])], "steps.0.needs.0"),
        ([StepSpec(processor="wait", name="a", needs=["a"])], "steps.0.needs.0"),
        (
            [
                StepSpec(processor="wait", name="a", needs=["b"]),
                StepSpec(processor="wait", name="b", needs=["a"]),
            ],
            "steps.0.needs",
        ),
        ([StepSpec(processor="wait", name="a", needs=[], input="a")], "steps.0.input"),
        ([StepSpec(processor="wait"), StepSpec(processor="wait", input="nobody")], "steps.1.input"),
        ([StepSpec(processor="normalize", each=True)], "steps.0.each"),
        ([StepSpec(processor="draw", each=True)], "steps.0.each"),
    ],
    ids=[
        "twins",
        "unknown-need",
        "itself",
        "cycle",
        "input",
        "input-in-chain",
        "each",
        "each-none",
    ],
)
def test_steps_that_do_not_fit_name_the_field(steps: list[StepSpec], field: str) -> None:
    with pytest.raises(StepsInvalid) as refused:
        planned(*steps)

    assert field_of(refused.value) == field


@pytest.mark.parametrize("name", ["nobody", "ingest"])
def test_a_processor_nobody_has_or_may_ask_for_is_refused(name: str) -> None:
    with pytest.raises(ProcessorUnknown) as refused:
        planned("wait", name)

    assert field_of(refused.value) == "steps.1.processor"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "steps.0.params"),
        ({"amount": "five"}, "steps.0.params.amount"),
        ({"amount": 5, "more": 1}, "steps.0.params"),
    ],
)
def test_parameters_that_do_not_fit_name_the_field(params: dict[str, Any], field: str) -> None:
    with pytest.raises(ParamsInvalid) as refused:
        planned(StepSpec(processor="add", params=params))

    assert field_of(refused.value) == field


def test_a_refusal_stays_short_however_large_the_parameters_are() -> None:
    with pytest.raises(ParamsInvalid) as refused:
        planned(*[StepSpec(processor="add", params={"amount": "x" * 100_000})] * 50)

    assert sum(len(error.message) for error in refused.value.errors) < 10_000


@pytest.mark.parametrize(
    ("steps", "given"),
    [
        (["normalize"], {"dataset": False}),
        (["wait", "normalize"], {"dataset": False}),
        ([StepSpec(processor="add", params={"amount": 1})], {"value": False}),
        (
            [
                StepSpec(processor="normalize", name="a"),
                StepSpec(processor="normalize", name="b", needs=[]),
                StepSpec(processor="normalize", name="c", needs=["a", "b"]),
            ],
            {},
        ),
    ],
)
def test_a_step_that_would_get_nothing_it_can_take_is_refused(
    steps: list[StepSpec | str],
    given: dict[str, bool],
) -> None:
    with pytest.raises(StepsInvalid):
        planned(*steps, **given)


@pytest.mark.parametrize(
    "steps",
    [
        ["normalize", "measure", StepSpec(processor="add", params={"amount": 1})],
        ["normalize", "measure", "normalize"],
        ["draw", StepSpec(processor="add", params={"amount": 1}, name="x")],
        ["both", StepSpec(processor="add", params={"amount": 1})],
    ],
)
def test_frames_and_values_each_flow_down_a_chain(steps: list[StepSpec | str]) -> None:
    made = planned(*steps, value=False)

    assert len(made.steps) == len(steps)


@pytest.mark.parametrize(
    "order",
    [
        SubmitJob(),
        SubmitJob(params={"amount": 1}),
        SubmitJob(steps=[StepSpec(processor="wait")], processor="wait"),
        SubmitJob(steps=[StepSpec(processor="wait")], params={}),
    ],
)
def test_an_order_says_its_steps_in_one_way(order: SubmitJob) -> None:
    with pytest.raises(StepsAmbiguous):
        plan.steps_of(order)


@st.composite
def graphs(draw: st.DrawFn) -> list[StepSpec]:
    """Steps that need any of those named before them, listed in any order."""
    count = draw(st.integers(1, 50))
    specs = [
        StepSpec(
            processor=draw(st.sampled_from(["wait", "noop", "render"])),
            name=f"s{index}",
            needs=draw(_needs(index)),
            queue=draw(st.sampled_from([None, None, None, "slow"])),
        )
        for index in range(count)
    ]
    return draw(st.permutations(specs)) if draw(st.booleans()) else specs


def _needs(index: int) -> st.SearchStrategy[list[str]]:
    if index == 0:
        return st.just([])
    any_before = st.sampled_from([f"s{number}" for number in range(index)])
    return st.just([f"s{index - 1}"]) | st.lists(any_before, max_size=3, unique=True)


@given(graphs())
def test_tasks_divide_the_steps_and_can_all_be_run(specs: list[StepSpec]) -> None:
    made = planned(*specs)
    tasks = tasks_of(made)
    home = {index: task.position for task in tasks for index in task.steps}
    place = {step.name: index for index, step in enumerate(made.steps)}

    assert sorted(home) == list(range(len(specs)))
    for task in tasks:
        assert 1 <= len(task.steps) <= 16
        known = [PROCESSORS[specs[index].processor] for index in task.steps]
        queues = {specs[index].queue for index in task.steps}
        assert {queue or info.queue for queue in queues for info in known} == {task.queue}
        assert {info.pure for info in known} == {task.pure}
        for before, after in zip(task.steps, task.steps[1:], strict=False):
            assert made.steps[after].needs == [made.steps[before].name]
        needed = {home[place[name]] for i in task.steps for name in made.steps[i].needs}
        assert needed - {task.position} == set(task.needs)
    over: set[int] = set()
    while ready := [t for t in tasks if t.position not in over and over.issuperset(t.needs)]:
        over |= {task.position for task in ready}
    assert len(over) == len(tasks)
