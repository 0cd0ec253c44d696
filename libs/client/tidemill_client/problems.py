"""Why a call did not do what was asked."""

from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from tidemill_contracts.problems import Problem


class ClientError(Exception):
    """A call did not do what was asked."""


class ApiProblem(ClientError):
    """A refusal, as the service explains it; `members` holds what the problem says besides."""

    def __init__(
        self,
        problem: Problem,
        *,
        members: dict[str, Any] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(sentence(problem))
        self.problem = problem
        self.members = members or {}
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def code(self) -> str:
        return self.problem.code


class Unreachable(ClientError):
    """Nothing answers at the address."""

    def __init__(self, url: str) -> None:
        super().__init__(f"nothing answers at {url}; start it with `tidemill up`")
        self.url = url


class Broken(ClientError):
    """The connection ended in the middle of a call; whether it had an effect is not known."""


class Corrupted(ClientError):
    """The bytes that arrived are not those that were stored."""


class Misread(ClientError):
    """The answer is not what this client knows; one of the two is older."""


class NotSignedIn(ClientError):
    """There is no token to show; sign in first."""

    def __init__(self) -> None:
        super().__init__("not signed in; use `tidemill login` or set TM_TOKEN")


class StreamRefused(ClientError):
    """The live stream would not take this subscription."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message or code)
        self.code = code


def sentence(problem: Problem) -> str:
    """The problem in one line, with the fields that do not fit."""
    text = problem.title.rstrip(".")
    if problem.detail and problem.detail != problem.title:
        text += f": {problem.detail.rstrip('.')}"
    if problem.errors:
        text += "; " + "; ".join(
            f"{error.field}: {error.message}" if error.field else error.message
            for error in problem.errors
        )
    return f"{text} ({problem.status} {problem.code})"


def read(response: httpx.Response) -> ApiProblem:
    """The refusal in this response; a body of another kind makes a problem out of its status."""
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
        members = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        problem, members = _unexplained(response), {}
    known = set(problem.__struct_fields__)
    return ApiProblem(
        problem,
        members={name: value for name, value in members.items() if name not in known},
        retry_after_s=retry_after(response),
    )


def retry_after(response: httpx.Response) -> float | None:
    """The seconds a refusal asks to wait; None where it names none."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None


def _unexplained(response: httpx.Response) -> Problem:
    try:
        status = HTTPStatus(response.status_code)
        title, code = status.phrase, status.name.lower()
    except ValueError:
        title, code = f"Status {response.status_code}", "unexplained"
    return Problem(
        type="about:blank",
        title=title,
        status=response.status_code,
        code=code,
        request_id=response.headers.get("X-Request-Id", ""),
    )
