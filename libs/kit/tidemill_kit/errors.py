"""Errors that know their status: the docstring is the message, the class name the code."""

import inspect
import re
from collections.abc import Awaitable, Sequence
from typing import Any, ClassVar

from tidemill_contracts.problems import FieldError


class TidemillError(Exception):
    """Something went wrong here."""

    status: ClassVar[int] = 500
    retry_after_s: ClassVar[int | None] = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        **members: Any,
    ) -> None:
        super().__init__(detail or self.title())
        self.detail = detail
        self.errors = list(errors)
        self.members = members

    @classmethod
    def code(cls) -> str:
        """The stable code, such as `job_finished` for JobFinished."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        return inspect.cleandoc(cls.__doc__ or cls.__name__).splitlines()[0]


async def failure_of(work: Awaitable[Any]) -> Exception | None:
    """What this ended in, whatever it was: for machines that owe somebody an answer."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - that is what it is for
        return error
    return None


class BadRequest(TidemillError):
    """The request is not JSON or does not fit its shape."""

    status = 400


class NotSignedIn(TidemillError):
    """A valid token is needed."""

    status = 401


class TimeNeedsZone(BadRequest):
    """A time needs its offset from UTC, such as `2026-01-31T12:00:00Z`."""


class Forbidden(TidemillError):
    """Your role does not allow this."""

    status = 403


class NotFound(TidemillError):
    """There is no such thing."""

    status = 404


class Conflict(TidemillError):
    """It cannot be done in the state things are in."""

    status = 409


class Gone(TidemillError):
    """It was here and has been removed."""

    status = 410


class TooLarge(TidemillError):
    """The request is larger than allowed."""

    status = 413


class UnsupportedMedia(TidemillError):
    """This media type is not understood here."""

    status = 415


class Invalid(TidemillError):
    """The request fits its shape but cannot be."""

    status = 422


class TooMany(TidemillError):
    """A limit is reached."""

    status = 429
    retry_after_s = 1


class Unavailable(TidemillError):
    """Something this needs is away for the moment."""

    status = 503
    retry_after_s = 1


NEVER_SUCCEEDS = (NotFound, Conflict, Invalid, Forbidden, BadRequest)
