"""Refusals as errors."""

import httpx
import pytest

from tidemill_client import problems

REFUSAL = {
    "type": "/docs/problems#invalid",
    "title": "The order cannot be carried out.",
    "status": 422,
    "code": "invalid",
    "request_id": "r1",
    "errors": [{"field": "steps.0.processor", "message": "there is none named x"}],
    "job_status": "failed",
}


def test_a_refusal_keeps_its_problem_and_what_it_says_besides() -> None:
    response = httpx.Response(422, json=REFUSAL)

    error = problems.read(response)

    assert (error.status, error.code) == (422, "invalid")
    assert error.members == {"job_status": "failed"}
    assert str(error) == (
        "The order cannot be carried out; steps.0.processor: there is none named x (422 invalid)"
    )


@pytest.mark.parametrize(
    ("status", "code"), [(502, "bad_gateway"), (418, "im_a_teapot"), (599, "unexplained")]
)
def test_an_answer_of_something_else_is_a_problem_too(status: int, code: str) -> None:
    response = httpx.Response(status, text="<html>oops</html>")

    error = problems.read(response)

    assert (error.status, error.code) == (status, code)


@pytest.mark.parametrize(("header", "seconds"), [("3", 3.0), ("-1", 0.0), ("soon", None)])
def test_a_refusal_says_how_long_to_wait(header: str, seconds: float | None) -> None:
    response = httpx.Response(503, json=REFUSAL, headers={"Retry-After": header})

    error = problems.read(response)

    assert error.retry_after_s == seconds
