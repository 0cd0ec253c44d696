"""What happened, in a few words for people."""

from datetime import datetime

import msgspec
from msgspec import UNSET

from tidemill_contracts import datasets, job_events
from tidemill_contracts.event import Event
from tidemill_contracts.jobs import Progress, Result

SHORT = 60


def describe(event: Event) -> str:
    """What an event's type does not say yet; often nothing."""
    match event:
        case job_events.JobSubmitted(steps=steps):
            return " → ".join(step.name for step in steps)
        case job_events.JobBlocked(reason=reason):
            return f"waits: {reason}"
        case job_events.JobStarted(attempt=attempt, worker=worker):
            return f"attempt {attempt} on {worker}"
        case job_events.JobStepSucceeded(step=step, result=result):
            return f"{step} {outcome(result)}".strip()
        case job_events.JobSucceeded(result=result):
            return outcome(result)
        case job_events.JobRetryScheduled(error=error, next_attempt_at=moment):
            return f"{error.code}: {error.message}; again at {moment:%H:%M:%S}"
        case job_events.JobAttemptLost(reason=reason):
            return reason
        case (
            job_events.JobStepFailed(error=error)
            | job_events.JobFailed(error=error)
            | job_events.JobExpired(error=error)
            | datasets.DatasetRejected(error=error)
        ):
            return f"{error.code}: {error.message}"
        case job_events.JobCancelled(cancel=cancel):
            return f"{cancel.outcome or ''} {cancel.reason or ''}".strip()
        case _:
            return _describe_dataset(event)


def outcome(result: Result | None) -> str:
    """A result in a few words: its value if that is short, else its size."""
    if result is None:
        return ""
    if result.value is not UNSET:
        return f"= {shortened(msgspec.json.encode(result.value).decode())}"
    if result.rows is not UNSET:
        return f"{result.rows} rows, {result.columns or 0} columns"
    return "" if result.size_bytes is UNSET else size(result.size_bytes)


def progress(now: Progress) -> str:
    if now.unit == "bytes":
        total = "" if now.total is None else f" of {size(now.total)}"
        return f"{now.step}: {size(now.done)}{total}"
    total = "" if now.total is None else f" of {_count(now.total)}"
    return f"{now.step}: {_count(now.done)}{total} {now.unit}".rstrip()


def clock(moment: datetime | None) -> str:
    """A moment to the second, by the clock of whoever looks; nothing for none."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""


def minute(moment: datetime | None) -> str:
    """A moment to the minute, by the clock of whoever looks; nothing for none."""
    return clock(moment)[: -len(":00")]


def size(count: float) -> str:
    """A number of bytes in the unit that reads best."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:  # noqa: PLR2004 - the binary prefixes' step
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _count(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


def shortened(text: str, longest: int = SHORT) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _describe_dataset(event: Event) -> str:
    match event:
        case datasets.DatasetCreated(name=name):
            return name
        case datasets.DatasetUploaded(name=name, size_bytes=count):
            return f"{name} {size(count)}"
        case datasets.DatasetReady(
            reading=datasets.Reading(error=datasets.DatasetError() as error)
        ):
            return f"as before; read again: {error.code}: {error.message}"
        case datasets.DatasetReady(ingested=found):
            return f"{found.format}: {found.rows} rows, {len(found.columns)} columns"
        case _:
            return ""
