"""Jobs of many shapes, and the many ways in which an attempt ends."""

from tests.jobs.builders import FORK, a_failure
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import OnError, StepSpec
from tidemill_contracts.work import Ending, Released, Stopped, Succeeded

MAY_FAIL = StepSpec(processor="wait", name="maybe", on_error=OnError.CONTINUE)
SHAPES: list[tuple[StepSpec | str, ...]] = [
    ("wait",),
    ("noop", "wait", "wait"),
    ("wait", MAY_FAIL, "wait"),
    FORK,
    (*FORK, StepSpec(processor="render", name="d", needs=["a"], on_error=OnError.CONTINUE)),
]
ENDS: list[Ending] = [
    Succeeded(),
    Stopped(),
    Stopped(killed=True),
    Released(reason="drain"),
    Succeeded(),
    Succeeded(),
    *[a_failure(kind) for kind in FailureKind],
    a_failure(FailureKind.TRANSIENT, retry_after_s=0.0),
]
