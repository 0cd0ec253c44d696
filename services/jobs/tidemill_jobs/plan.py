"""From the steps that were asked for to steps that fit, and to the tasks that run them."""

from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any
from uuid import UUID

import jsonschema_rs
import msgspec
from msgspec import Struct

from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import StepSpec, SubmitJob
from tidemill_contracts.problems import FieldError
from tidemill_contracts.processors import ProcessorInfo, Returns, Takes
from tidemill_jobs.engines import check_engines
from tidemill_jobs.records import StepRecord, TaskRecord, TaskStatus
from tidemill_jobs.refusals import ParamsInvalid, ProcessorUnknown
from tidemill_kit.errors import BadRequest, Invalid

MAX_TASK_STEPS = 16
DEFAULT_QUEUE = "default"
MAX_ERRORS = 20
MAX_MESSAGE = 300
MAX_PLANS = 1_000
MAX_KEPT_BYTES = 16 * 1024
_encode = msgspec.json.Encoder().encode


class StepsAmbiguous(BadRequest):
    """Give either `steps` or one `processor` with its `params`."""


class StepsInvalid(Invalid):
    """The steps do not fit together."""


class TaskShape(Struct, frozen=True):
    """Neighbouring steps that one task runs, and the tasks it comes after."""

    steps: list[int]
    needs: list[int]
    queue: str
    pure: bool


class Plan(Struct, frozen=True):
    """Steps in the order they are listed, and the tasks that run them."""

    steps: list[StepRecord]
    tasks: list[TaskShape]

    @property
    def processors(self) -> list[str]:
        return sorted({step.processor for step in self.steps})


class Planner:
    """Plans what is asked for, and remembers it: most jobs are asked for again and again."""

    def __init__(self) -> None:
        self._processors: Mapping[str, ProcessorInfo] = {}
        self._engines: Mapping[str, str] = {}
        self._plans: dict[tuple[bytes, bool, bool, str | None], Plan] = {}

    def plan(
        self,
        specs: list[StepSpec],
        processors: Mapping[str, ProcessorInfo],
        *,
        has_dataset: bool,
        has_value: bool,
        queue: str | None = None,
        engines: Mapping[str, str] = MappingProxyType({}),
    ) -> Plan:
        """As `plan` does it; processors and engines are told apart by their mappings' identity."""
        same = processors is self._processors and engines is self._engines
        if not same or len(self._plans) > MAX_PLANS:
            self._processors, self._engines, self._plans = processors, engines, {}
        key = (_encode(specs), has_dataset, has_value, queue)
        found = self._plans.get(key)
        if found is None:
            known = {"has_dataset": has_dataset, "has_value": has_value}
            found = plan(specs, processors, queue=queue, engines=engines, **known)
            if len(key[0]) <= MAX_KEPT_BYTES:
                self._plans[key] = found
        return found


def steps_of(order: SubmitJob) -> list[StepSpec]:
    """The steps of an order, whichever of the two forms it has."""
    if order.steps is not None:
        if order.processor is not None or order.params is not None:
            raise StepsAmbiguous
        return order.steps
    if order.processor is None:
        raise StepsAmbiguous
    return [StepSpec(processor=order.processor, params=order.params or {})]


def plan(
    specs: list[StepSpec],
    processors: Mapping[str, ProcessorInfo],
    *,
    has_dataset: bool,
    has_value: bool,
    queue: str | None = None,
    engines: Mapping[str, str] = MappingProxyType({}),
) -> Plan:
    """Names resolved, references and parameters checked; every error names its field."""
    names = _names(specs)
    known = [_processor(spec, index, processors) for index, spec in enumerate(specs)]
    steps = [
        StepRecord(
            name=names[index],
            processor=spec.processor,
            params=spec.params,
            needs=_needs(spec, index, names),
            input=spec.input,
            each=spec.each,
            on_error=spec.on_error,
        )
        for index, spec in enumerate(specs)
    ]
    _refuse_cycles(steps)
    _check_flow(steps, known, has_dataset=has_dataset, has_value=has_value)
    queues = [spec.queue or queue or info.queue for spec, info in zip(specs, known, strict=True)]
    check_engines(known, queues, engines)
    return Plan(steps, _tasks(steps, queues, [info.pure for info in known]))


def tasks(made: Plan, job_id: UUID, tenant_id: UUID, priority: int) -> list[TaskRecord]:
    """The tasks of a new job."""
    return [
        TaskRecord(
            id=uuid7(),
            job_id=job_id,
            tenant_id=tenant_id,
            position=number,
            steps=shape.steps,
            needs=shape.needs,
            queue=shape.queue,
            priority=priority,
            pure=shape.pure,
            status=TaskStatus.WAITING,
        )
        for number, shape in enumerate(made.tasks)
    ]


def _tasks(steps: list[StepRecord], queues: list[str], pure: list[bool]) -> list[TaskShape]:
    """Neighbouring steps of a chain on one queue become one task; joins and forks divide."""
    groups: list[list[int]] = []
    kinds = list(zip(queues, pure, strict=True))
    for index in range(len(steps)):
        if groups and _continues(steps, kinds, groups[-1], index):
            groups[-1].append(index)
        else:
            groups.append([index])
    home = {index: number for number, group in enumerate(groups) for index in group}
    position = {step.name: index for index, step in enumerate(steps)}
    return [
        TaskShape(
            steps=group,
            needs=sorted({home[position[name]] for name in steps[group[0]].needs}),
            queue=queues[group[0]],
            pure=pure[group[0]],
        )
        for group in groups
    ]


def _continues(
    steps: list[StepRecord],
    kinds: list[tuple[str, bool]],
    group: list[int],
    index: int,
) -> bool:
    before = steps[group[-1]]
    followers = sum(before.name in other.needs for other in steps)
    return (
        steps[index].needs == [before.name]
        and followers == 1
        and kinds[index] == kinds[group[0]]
        and len(group) < MAX_TASK_STEPS
    )


def _names(specs: list[StepSpec]) -> list[str]:
    chosen: set[str] = set()
    for index, spec in enumerate(specs):
        if spec.name in chosen:
            _refuse(f"steps.{index}.name", f"another step is named {spec.name!r} already")
        if spec.name is not None:
            chosen.add(spec.name)
    names: list[str] = []
    for spec in specs:
        name, number = spec.name or spec.processor, 1
        while spec.name is None and (name in chosen or name in names):
            number += 1
            name = f"{spec.processor}-{number}"
        names.append(name)
    return names


def _needs(spec: StepSpec, index: int, names: list[str]) -> list[str]:
    needs = spec.needs
    if needs is None:
        needs = [names[index - 1]] if index else []
    for number, need in enumerate(needs):
        if need not in names:
            _refuse(f"steps.{index}.needs.{number}", f"there is no step named {need!r}")
        if need == names[index]:
            _refuse(f"steps.{index}.needs.{number}", "a step cannot need itself")
    if spec.input is not None and spec.input not in needs:
        _refuse(f"steps.{index}.input", "the input must be one of the steps it needs")
    return list(dict.fromkeys(needs))


def _processor(
    spec: StepSpec,
    index: int,
    processors: Mapping[str, ProcessorInfo],
) -> ProcessorInfo:
    info = processors.get(spec.processor)
    if info is None or info.system:
        name = f"there is no processor named {spec.processor!r}"
        raise ProcessorUnknown(errors=[FieldError(f"steps.{index}.processor", name)])
    errors = [
        FieldError(_path(index, list(error.instance_path)), _short(error.message))
        for error in islice(jsonschema_rs.iter_errors(info.params_schema, spec.params), MAX_ERRORS)
    ]
    if errors:
        raise ParamsInvalid(errors=errors)
    return info


def _short(message: str) -> str:
    """A message that repeats what was sent may be as long as that was."""
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"


def _path(index: int, inside: list[Any]) -> str:
    return ".".join(["steps", str(index), "params", *map(str, inside)])


def _refuse_cycles(steps: list[StepRecord]) -> None:
    over: set[str] = set()
    left = list(steps)
    while ready := [step for step in left if over.issuperset(step.needs)]:
        over.update(step.name for step in ready)
        left = [step for step in left if step not in ready]
    if left:
        names = ", ".join(step.name for step in left)
        _refuse(f"steps.{steps.index(left[0])}.needs", f"these steps wait for each other: {names}")


def _check_flow(
    steps: list[StepRecord],
    known: list[ProcessorInfo],
    *,
    has_dataset: bool,
    has_value: bool,
) -> None:
    """Whether each step can get what it takes: a frame or a value from before, or the input."""
    frames: dict[str, bool] = {}
    values: dict[str, bool] = {}
    ordered = sorted(range(len(steps)), key=lambda index: _depth(steps, index))
    for index in ordered:
        step, info = steps[index], known[index]
        frame = has_dataset if not step.needs else _frame_flows(step, frames)
        value = has_value if not step.needs else (len(step.needs) > 1 or values[step.needs[0]])
        if info.takes is Takes.DATASET and not frame:
            _refuse(f"steps.{index}", f"{step.processor} takes a dataset and gets none")
        if info.takes is Takes.VALUE and info.input_required and not value:
            _refuse(f"steps.{index}", f"{step.processor} takes a value and gets none")
        if step.each and info.takes is not Takes.VALUE:
            _refuse(f"steps.{index}.each", f"{step.processor} takes no value")
        frames[step.name] = frame or info.returns in (Returns.DATASET, Returns.BOTH)
        values[step.name] = value or info.returns in (Returns.VALUE, Returns.BOTH)


def _frame_flows(step: StepRecord, frames: dict[str, bool]) -> bool:
    if len(step.needs) == 1:
        return frames[step.needs[0]]
    return step.input is not None and frames[step.input]


def _depth(steps: list[StepRecord], index: int) -> int:
    by_name = {step.name: step for step in steps}
    depth, frontier = 0, set(steps[index].needs)
    while frontier:
        depth += 1
        frontier = {need for name in frontier for need in by_name[name].needs}
    return depth


def _refuse(field: str, message: str) -> None:
    raise StepsInvalid(errors=[FieldError(field, message)])
