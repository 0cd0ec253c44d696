"""Which processors can work in which queue."""

from collections.abc import Mapping

from tidemill_contracts.problems import FieldError
from tidemill_contracts.processors import ProcessorInfo, Returns, Takes
from tidemill_kit.errors import Invalid


class EngineUnfit(Invalid):
    """The processor does not run on the engine of this queue."""


def check_engines(
    known: list[ProcessorInfo],
    queues: list[str],
    engines: Mapping[str, str],
) -> None:
    """Whether each step that works on frames can do so where its queue has them."""
    errors = [
        FieldError(f"steps.{index}.queue", f"{info.name} does not run on {engine}: {queue}")
        for index, (info, queue) in enumerate(zip(known, queues, strict=True))
        if (engine := engines.get(queue)) is not None and engine not in info.engines
        if info.takes is Takes.DATASET or info.returns in (Returns.DATASET, Returns.BOTH)
    ]
    if errors:
        raise EngineUnfit(errors=errors)
