"""What an exception in a processor means for its attempt."""

import traceback

import msgspec

from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError
from tidemill_contracts.work import Failed
from tidemill_processor import frames
from tidemill_processor.run import DataError, Retry, TransientError

MAX_MESSAGE_CHARS = 4_000
MAX_TRACEBACK_CHARS = 60_000


def failure(error: BaseException, step: str) -> Failed:
    """The end of an attempt whose step raised this."""
    kind, code = _judged(error)
    text = "".join(traceback.format_exception(error))
    return Failed(
        failure=kind,
        error=JobError(
            code=code,
            message=_message(error)[:MAX_MESSAGE_CHARS],
            step=step,
            type=type(error).__qualname__,
            traceback=text[-MAX_TRACEBACK_CHARS:],
        ),
        retry_after_s=error.after if isinstance(error, Retry) else None,
    )


def _message(error: BaseException) -> str:
    message = str(error) or type(error).__name__
    if isinstance(error, DataError) and error.details:
        details = ", ".join(f"{key}={value!r}" for key, value in error.details.items())
        return f"{message} ({details})"
    return message


def _judged(error: BaseException) -> tuple[FailureKind, str]:
    match error:
        case DataError():
            found = FailureKind.DATA, error.code
        case TransientError():
            found = FailureKind.TRANSIENT, error.code
        case msgspec.ValidationError():
            found = FailureKind.DATA, "invalid_value"
        case MemoryError():
            found = FailureKind.CRASH, "out_of_memory"
        case Exception() if frames.refused(error):
            found = FailureKind.DATA, "invalid_frame"
        case Exception() | SystemExit():
            found = FailureKind.TRANSIENT, "processor_failed"
        case _:
            found = FailureKind.CRASH, "child_crashed"
    return found
