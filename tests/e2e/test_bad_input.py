"""What cannot be taken is refused with a stable code, and leaves nothing behind."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct

from tests.conftest import MAX_DATASET_BYTES
from tests.e2e.conftest import Register
from tests.e2e.people import PASSWORD, Person
from tidemill_contracts.problems import Problem
from tidemill_stack.stack import Stack

JSON = {"Content-Type": "application/json"}
UNKNOWN_ID = "01a200dd-d554-79f2-8ace-ba0498e0cfb1"


class Refusal(Struct):
    """A call, and the status and code that it must get."""

    call: str
    status: int
    code: str
    sent: dict[str, Any] = {}
    signed: bool = True


def body(content: bytes | str) -> dict[str, Any]:
    return {"content": content, "headers": JSON}


def job(**order: Any) -> dict[str, Any]:
    return {"json": order}


def step(**spec: Any) -> dict[str, Any]:
    return {"json": {"steps": [spec]}}


JOBS = "POST /v1/jobs"
DATASETS = "POST /v1/datasets"
SIGN_IN = "POST /v1/auth/token"
REGISTER = "POST /v1/auth/register"

REFUSALS = {
    "no JSON": Refusal(JOBS, 400, "bad_request", body("{nonsense")),
    "no body": Refusal(JOBS, 400, "bad_request"),
    "JSON of another shape": Refusal(JOBS, 400, "bad_request", body("[1, 2]")),
    "bytes that are no UTF-8": Refusal(JOBS, 400, "bad_request", body(b'{"processor": "\xff"}')),
    "a field of another type": Refusal(JOBS, 400, "bad_request", job(processor=7)),
    "an unknown field": Refusal(JOBS, 400, "bad_request", job(processor="noop", colour="red")),
    "an unknown field of a step": Refusal(
        JOBS, 400, "bad_request", step(processor="noop", colour="red")
    ),
    "no processor": Refusal(JOBS, 400, "steps_ambiguous", job(value=1)),
    "no steps": Refusal(JOBS, 400, "bad_request", job(steps=[])),
    "too many steps": Refusal(JOBS, 400, "bad_request", job(steps=[{"processor": "noop"}] * 51)),
    "too high a priority": Refusal(JOBS, 400, "bad_request", job(processor="noop", priority=10)),
    "a date that is none": Refusal(JOBS, 400, "bad_request", job(processor="noop", run_at="soon")),
    "an unknown processor": Refusal(JOBS, 422, "processor_unknown", job(processor="no_such")),
    "a missing parameter": Refusal(JOBS, 422, "params_invalid", job(processor="add", value=1)),
    "a parameter of another type": Refusal(
        JOBS, 422, "params_invalid", job(processor="add", params={"amount": "5"}, value=1)
    ),
    "an unknown parameter": Refusal(
        JOBS, 422, "params_invalid", job(processor="add", params={"amount": 5, "x": 1}, value=1)
    ),
    "a step that needs none there is": Refusal(
        JOBS, 422, "steps_invalid", step(processor="noop", needs=["nobody"])
    ),
    "steps in a circle": Refusal(
        JOBS,
        422,
        "steps_invalid",
        job(
            steps=[
                {"processor": "noop", "name": "a", "needs": ["b"]},
                {"processor": "noop", "name": "b", "needs": ["a"]},
            ]
        ),
    ),
    "a dataset processor without dataset": Refusal(
        JOBS, 422, "steps_invalid", job(processor="normalize")
    ),
    "a value and a dataset": Refusal(
        JOBS, 422, "input_ambiguous", job(processor="noop", value=1, dataset_id=UNKNOWN_ID)
    ),
    "a dataset of nobody": Refusal(
        JOBS, 404, "dataset_not_found", job(processor="normalize", dataset_id=UNKNOWN_ID)
    ),
    "a label with NUL": Refusal(JOBS, 422, "unstorable", job(processor="noop", labels={"a": "\0"})),
    "a key that is too long": Refusal(
        JOBS,
        422,
        "idempotency_key_invalid",
        {"json": {"processor": "noop"}, "headers": {"Idempotency-Key": "k" * 256}},
    ),
    "an oversized job": Refusal(
        JOBS, 413, "too_large", job(processor="noop", value="x" * 1_100_000)
    ),
    "an oversized refresh": Refusal(
        "POST /v1/auth/refresh", 413, "too_large", job(refresh_token="x" * 1_100_000)
    ),
    "an unknown pipeline": Refusal(
        "POST /v1/pipelines/no-such/jobs", 404, "pipeline_not_found", job(value=1)
    ),
    "a pipeline with an unknown field": Refusal(
        "POST /v1/pipelines/arithmetic/jobs", 400, "bad_request", job(values=[1])
    ),
    "an empty file": Refusal(DATASETS, 422, "empty_file", {"content": b""}),
    "an empty file in a form": Refusal(
        DATASETS, 422, "empty_file", {"files": {"file": ("a.csv", b"")}}
    ),
    "a form without a file": Refusal(
        DATASETS, 400, "bad_request", {"files": {"name": (None, "a.csv")}}
    ),
    "a form that ends too early": Refusal(
        DATASETS,
        400,
        "bad_request",
        {
            "content": b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\na,b',
            "headers": {"Content-Type": "multipart/form-data; boundary=b"},
        },
    ),
    "an oversized file": Refusal(
        DATASETS, 413, "dataset_too_large", {"content": b"x" * (MAX_DATASET_BYTES + 1)}
    ),
    "a file of a type nobody reads": Refusal(
        DATASETS,
        415,
        "unsupported_media",
        {"content": b"x", "headers": {"Content-Type": "image/png"}},
    ),
    "an option that there is not": Refusal(
        DATASETS, 400, "bad_request", {"content": b"a\n1\n", "params": {"format": "xlsx"}}
    ),
    "an unknown job": Refusal(f"GET /v1/jobs/{UNKNOWN_ID}", 404, "job_not_found"),
    "an id that is none": Refusal("GET /v1/jobs/first", 404, "not_found"),
    "a limit that is none": Refusal(
        "GET /v1/jobs", 400, "bad_request", {"params": {"limit": "many"}}
    ),
    "a limit that is too high": Refusal(
        "GET /v1/datasets", 400, "bad_request", {"params": {"limit": 1001}}
    ),
    "a cursor that is none": Refusal(
        "GET /v1/jobs", 400, "cursor_invalid", {"params": {"cursor": "next"}}
    ),
    "an unknown status": Refusal(
        "GET /v1/jobs", 400, "bad_request", {"params": {"status": "done"}}
    ),
    "an unknown path": Refusal("GET /v1/jobses", 404, "not_found"),
    "an unknown version": Refusal("GET /v2/jobs", 404, "not_found"),
    "a wrong method": Refusal("DELETE /v1/jobs", 405, "method_not_allowed"),
    "a wrong method of datasets": Refusal("PUT /v1/datasets", 405, "method_not_allowed"),
    "a wrong method of identity": Refusal("GET /v1/auth/token", 405, "method_not_allowed"),
    "a wrong method of the log": Refusal("POST /v1/events", 405, "method_not_allowed"),
    "no token": Refusal("GET /v1/jobs", 401, "not_signed_in", signed=False),
    "no token for a dataset": Refusal("GET /v1/datasets", 401, "not_signed_in", signed=False),
    "no token for the log": Refusal("GET /v1/events", 401, "not_signed_in", signed=False),
    "no token for a submit": Refusal(
        JOBS, 401, "not_signed_in", job(processor="noop"), signed=False
    ),
    "no token for an upload": Refusal(
        DATASETS, 401, "not_signed_in", {"content": b"a\n1\n"}, signed=False
    ),
    "another scheme": Refusal(
        "GET /v1/me", 401, "not_signed_in", {"auth": ("ann", "secret")}, signed=False
    ),
    "an object without a signature": Refusal("GET /tidemill-results/x/y", 403, "forbidden"),
    "a sign-in without a password": Refusal(SIGN_IN, 400, "bad_request", job(email="a@b.ch")),
    "an address that is none": Refusal(
        REGISTER, 400, "bad_request", job(email="ann", password=PASSWORD)
    ),
    "a password that is too short": Refusal(
        REGISTER, 400, "bad_request", job(email="a@b.ch", password="short")
    ),
    "a password that everybody has": Refusal(
        REGISTER, 422, "password_too_common", job(email="a@b.ch", password="password123")
    ),
}


@pytest.fixture(scope="module")
async def ann(stack: Stack, register: Register) -> Person:
    """One person for the whole table: nothing of it may be stored."""
    return await register(stack)


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=list(REFUSALS))
async def test_what_cannot_be_taken_is_a_problem_and_stores_nothing(
    ann: Person, http: httpx.AsyncClient, refusal: Refusal
) -> None:
    method, path = refusal.call.split()
    request_id = {"X-Request-Id": "mine"}
    headers = (ann.headers if refusal.signed else {}) | request_id
    sent = {**refusal.sent, "headers": headers | refusal.sent.get("headers", {})}

    answer = await http.request(method, path, **sent)

    assert answer.headers["content-type"] == "application/problem+json"
    problem = msgspec.json.decode(answer.content, type=Problem)
    assert (answer.status_code, problem.code) == (refusal.status, refusal.code), answer.text
    assert (problem.status, problem.request_id) == (refusal.status, "mine")
    assert answer.headers.get_list("x-request-id") == ["mine"]
    assert problem.type == f"/docs/problems#{refusal.code}"
    assert await ann.jobs_and_datasets() == (0, 0)


async def test_an_endless_job_is_cut_off(ann: Person) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"processor": "noop", "value": "'
        for _ in range(64):
            yield b"x" * 65_536

    answer = await ann.ask("POST", "/v1/jobs", content=endless(), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert await ann.jobs_and_datasets() == (0, 0)
