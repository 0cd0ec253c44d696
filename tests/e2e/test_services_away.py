"""A service that is away is said to be so, and comes back by itself."""

import asyncio
from http import HTTPStatus

import httpx
import pytest

from tests.builders import PATIENCE_S
from tests.e2e.conftest import Register
from tests.e2e.people import Person
from tidemill_contracts.jobs import JobStatus
from tidemill_stack.stack import Stack

PATHS = {
    "identity": "/v1/me",
    "ingestion": "/v1/datasets",
    "jobs": "/v1/jobs",
    "notifier": "/v1/events",
}


@pytest.fixture
async def dora(hurt: Stack, register: Register) -> Person:
    return await register(hurt)


@pytest.mark.parametrize("service", PATHS)
async def test_a_service_that_is_away_is_a_503_with_a_time_to_retry_and_comes_back(
    hurt: Stack, dora: Person, service: str
) -> None:
    others = [path for name, path in PATHS.items() if name != service]

    killed = hurt.kill(service)
    refused = await refusal_of(dora, PATHS[service])
    meanwhile = [await dora.ask("GET", path) for path in others]
    await hurt.ready(service, instead_of=killed)
    back = await dora.ask("GET", PATHS[service])

    problem = refused.json()
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.status_code, problem["code"]) == (503, "upstream_away")
    assert refused.headers["retry-after"] == "1"
    assert problem["request_id"] == refused.headers["x-request-id"]
    assert [answer.status_code for answer in meanwhile] == [200, 200, 200]
    assert back.status_code == 200


async def test_what_the_client_submits_while_jobs_is_away_runs_once_it_is_back(
    hurt: Stack, dora: Person
) -> None:
    killed = hurt.kill("jobs")
    await refusal_of(dora, "/v1/jobs")

    submitting = asyncio.create_task(dora.client.run_pipeline("arithmetic", value=10))
    await hurt.ready("jobs", instead_of=killed)
    job = await dora.ended((await submitting).id)

    assert (job.status, await dora.client.result(job.id)) == (JobStatus.SUCCEEDED, 20)
    assert await dora.jobs_and_datasets() == (1, 0)


async def refusal_of(person: Person, path: str) -> httpx.Response:
    """The first refusal; the killed process may answer a last time before."""
    async with asyncio.timeout(PATIENCE_S):
        while (answer := await person.ask("GET", path)).status_code == HTTPStatus.OK:
            pass
    return answer
