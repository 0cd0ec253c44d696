"""Receivers of webhooks, and webhooks that lead to them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import httpx
import msgspec
import pytest
from aiohttp import web
from msgspec import Struct
from standardwebhooks.webhooks import Webhook as Verifier

from tests.builders import PATIENCE_S
from tests.notifier.conftest import Account

OK, BROKEN = 200, 500


class Request(Struct, frozen=True):
    """What came to a receiver."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def event(self) -> Any:
        return self.payload["data"]

    def verified_by(self, secret: str) -> Any:
        return Verifier(secret).verify(self.body, self.headers)


type Decide = Callable[[Request], Awaitable[int]]


class Receiver:
    """A real server; `decide` gives the status of each answer."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.url = ""
        self._came = asyncio.Condition()

    async def decide(self, request: Request) -> int:
        del request
        return OK

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncGenerator[Self]:
        receiver = cls()
        app = web.Application()
        app.router.add_post("/", receiver._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        try:
            yield receiver
        finally:
            await runner.cleanup()

    async def until(self, done: Callable[[list[Request]], object]) -> list[Request]:
        """All requests once they are as they should be."""
        async with asyncio.timeout(PATIENCE_S), self._came:
            await self._came.wait_for(lambda: done(self.requests))
        return self.requests

    async def of(self, number: int) -> list[Request]:
        return await self.until(lambda requests: len(requests) >= number)

    async def ended(self, *jobs: str) -> list[Request]:
        """All requests once the last event of each of these jobs has come."""
        return await self.until(lambda all_: set(jobs) <= {r.event["job_id"] for r in ends(all_)})

    async def _take(self, asked: web.Request) -> web.Response:
        request = Request({k.lower(): v for k, v in asked.headers.items()}, await asked.read())
        async with self._came:
            self.requests.append(request)
            self._came.notify_all()
        return web.Response(status=await self.decide(request), text="Thank you.")


def ends(requests: list[Request]) -> list[Request]:
    return [each for each in requests if each.event["type"] == "job.succeeded"]


def orders(requests: list[Request]) -> dict[str, list[int]]:
    """For each job the numbers of its events, in the order in which each came first."""
    found: dict[str, list[int]] = {}
    for each in requests:
        numbers = found.setdefault(each.event["job_id"], [])
        if each.event["seq"] not in numbers:
            numbers.append(each.event["seq"])
    return found


class Hooks:
    """The webhooks of an account, over HTTP."""

    def __init__(self, account: Account, http: httpx.AsyncClient, url: str) -> None:
        self.account = account
        self._http = http
        self._url = f"{url}/v1/webhooks"

    async def ask(self, method: str, path: str = "", **options: Any) -> httpx.Response:
        headers = self.account.headers | options.pop("headers", {})
        return await self._http.request(method, self._url + path, headers=headers, **options)

    async def done(self, method: str, path: str = "", **options: Any) -> Any:
        answer = await self.ask(method, path, **options)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def create(self, url: str, **fields: Any) -> Any:
        return await self.done("POST", json={"url": url, "types": ["job.*"], **fields})

    async def run(self, number: int) -> list[str]:
        """Jobs that run at once."""
        return await self.account.submit(number, run_at=None)

    async def until(self, path: str, done: Callable[[Any], object]) -> Any:
        """What is there, asked for again until it is as it should be."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await self.done("GET", path)
                if done(found):
                    return found


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with Receiver.open() as opened:
        yield opened


@pytest.fixture
async def hooks(ann: Account, stack: Any) -> AsyncGenerator[Hooks]:
    """Ann's webhooks; those that were made are deleted."""
    async with AsyncExitStack() as ending:
        http = await ending.enter_async_context(httpx.AsyncClient(timeout=30))
        made = Hooks(ann, http, stack.urls["notifier"])
        yield made
        for each in (await made.done("GET"))["items"]:
            await made.done("DELETE", f"/{each['id']}")
