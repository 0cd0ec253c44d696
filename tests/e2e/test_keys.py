"""API keys and sessions through the gateway: good at every service, and ended everywhere."""

import asyncio

import pytest

from tests.builders import PATIENCE_S
from tests.e2e.people import Person, listening
from tidemill_client.client import Client
from tidemill_contracts.identity import Role
from tidemill_contracts.jobs import JobStatus
from tidemill_contracts.stream import CloseCode
from tidemill_stack.stack import Stack

EVERY_SERVICE = ["/v1/me", "/v1/datasets", "/v1/jobs", "/v1/events"]


async def until_refused(person: Person, path: str, headers: dict[str, str]) -> int:
    """The answer of a service that has heard that the caller is out."""
    async with asyncio.timeout(PATIENCE_S):
        while (answer := await person.http.get(path, headers=headers)).status_code != 401:
            pass
    return answer.status_code


async def test_a_key_is_good_at_every_service_until_it_is_revoked(ann: Person) -> None:
    made = await ann.client.create_api_key("all", role=Role.OPERATOR)
    headers = {"Authorization": f"Bearer {made.key}"}

    good = [(await ann.http.get(path, headers=headers)).status_code for path in EVERY_SERVICE]
    await ann.client.revoke_api_key(made.id)
    refused = [await until_refused(ann, path, headers) for path in EVERY_SERVICE]

    assert good == [200] * 4
    assert refused == [401] * 4


async def test_a_program_submits_and_follows_jobs_with_its_key(stack: Stack, ann: Person) -> None:
    made = await ann.client.create_api_key("program")

    async with Client(stack.url, str(made.key)) as program, asyncio.timeout(PATIENCE_S):
        jobs = [await program.submit(processor="noop", value=number) for number in range(3)]
        ended = [await program.wait(job.id) for job in jobs]

    assert [job.status for job in ended] == [JobStatus.SUCCEEDED] * 3
    assert {job.tenant_id for job in ended} == {ann.user.tenant_id}


async def test_a_viewers_key_submits_nothing(stack: Stack, ann: Person) -> None:
    made = await ann.client.create_api_key("reader", role=Role.VIEWER)
    headers = {"Authorization": f"Bearer {made.key}"}

    answer = await ann.http.post("/v1/jobs", json={"processor": "noop"}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert stack


@pytest.mark.parametrize("by_key", [True, False])
async def test_what_is_revoked_closes_its_sockets(stack: Stack, ann: Person, by_key: bool) -> None:
    made = await ann.client.create_api_key("listener")
    token = str(made.key)
    if not by_key:
        async with Client(stack.url) as other:
            token = (await other.sign_in(ann.user.email, "a long enough sentence")).access_token
    async with listening(stack, token) as listener:
        await listener.until("ready")

        if by_key:
            await ann.client.revoke_api_key(made.id)
        else:
            await ann.client.end_other_sessions()

        assert await listener.closed() == CloseCode.NOT_SIGNED_IN
