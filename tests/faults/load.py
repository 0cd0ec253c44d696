"""Jobs of every kind, handed in until each is accepted, with what must become of each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import cycle
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from tests.e2e.people import Person
from tidemill_client.client import Client
from tidemill_client.problems import ApiProblem, Broken, Unreachable
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import JobStatus, StepSpec

AT_ONCE = 16
NOT_NOW = (429, 503)
FOR_EVER = 3_600


class Wanted(Struct, frozen=True, kw_only=True):
    """An order, and what it must come to; without an ending any will do."""

    order: dict[str, Any]
    ending: JobStatus | None = JobStatus.SUCCEEDED
    value: Any = None
    cancel: bool = False
    look: Callable[[Any], Any] = field(default_factory=lambda: lambda value: value)


def noop(number: int) -> Wanted:
    return Wanted(order={"processor": "noop", "value": number}, value=number)


def waiting(number: int, seconds: float = 0.1) -> Wanted:
    order = {"processor": "wait", "params": {"seconds": seconds}, "value": number}
    return Wanted(order=order, value=number)


def arithmetic(number: int) -> Wanted:
    """The three steps that ship with the system, all pure."""
    steps = [
        StepSpec(processor="add", params={"amount": 5}),
        StepSpec(processor="multiply", params={"factor": 2}),
        StepSpec(processor="subtract", params={"amount": 10}),
    ]
    return Wanted(order={"steps": steps, "value": number}, value=(number + 5) * 2 - 10)


def mixed_chain(number: int) -> Wanted:
    """Partial results are kept one by one: a second attempt begins after the last of them."""
    steps = [
        StepSpec(processor="add", params={"amount": 5}),
        StepSpec(processor="wait", params={"seconds": 0.2}),
        StepSpec(processor="multiply", params={"factor": 2}),
    ]
    return Wanted(order={"steps": steps, "value": number}, value=(number + 5) * 2)


def fork(number: int) -> Wanted:
    """Three tasks, of which two may run at the same time."""
    steps = [
        StepSpec(processor="add", params={"amount": 1}),
        StepSpec(processor="wait", params={"seconds": 0.1}, needs=["add"]),
        StepSpec(processor="multiply", params={"factor": 3}, needs=["add"]),
        StepSpec(processor="noop", needs=["wait", "multiply"]),
    ]
    value = {"wait": number + 1, "multiply": (number + 1) * 3}
    return Wanted(order={"steps": steps, "value": number}, value=value)


def data_failure(number: int) -> Wanted:
    order = {"processor": "fail", "params": {"kind": "data", "attempts": 9}, "value": number}
    return Wanted(order=order, ending=JobStatus.FAILED)


def recovering(number: int) -> Wanted:
    order = {"processor": "fail", "params": {"kind": "transient"}, "value": number}
    return Wanted(order=order, value=number)


def crashing(number: int) -> Wanted:
    order = {"processor": "fail", "params": {"kind": "crash"}, "value": number}
    return Wanted(order=order, value=number)


def cancelled(number: int) -> Wanted:
    order = {"processor": "wait", "params": {"seconds": FOR_EVER}, "value": number}
    return Wanted(order=order, ending=JobStatus.CANCELLED, cancel=True)


KINDS = (noop, arithmetic, waiting, mixed_chain, fork, data_failure, recovering, cancelled)


def a_mix(count: int, kinds: Iterable[Callable[[int], Wanted]] = KINDS) -> list[Wanted]:
    """So many orders, of each kind about as many."""
    chosen = list(kinds)
    return [chosen[number % len(chosen)](number) for number in range(count)]


class Load:
    """Jobs that were accepted, with what must become of each; the clients take turns."""

    def __init__(self, person: Person, *clients: Client) -> None:
        self.person = person
        self._clients = cycle(clients or [person.client])
        self.accepted: dict[UUID, Wanted] = {}
        self.refusals = 0
        self._news = asyncio.Condition()
        self._free = asyncio.Semaphore(AT_ONCE)

    async def submit(self, orders: Iterable[Wanted]) -> None:
        """Hand in all of these, some at a time, each with a key until it is accepted."""
        async with asyncio.TaskGroup() as tasks:
            for wanted in orders:
                tasks.create_task(self._submit(wanted))

    async def reached(self, count: int) -> None:
        """Wait until so many were accepted."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.accepted) >= count)

    async def _submit(self, wanted: Wanted) -> None:
        client, key = next(self._clients), str(uuid7())
        async with self._free:
            job = await self._until_taken(
                lambda: client.submit(idempotency_key=key, **wanted.order)
            )
            async with self._news:
                self.accepted[job.id] = wanted
                self._news.notify_all()
            if wanted.cancel:
                await self._until_taken(lambda: client.cancel(job.id, grace_s=5))

    async def _until_taken[T](self, call: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await call()
            except (Unreachable, Broken):
                self.refusals += 1
            except ApiProblem as refused:
                self.refusals += 1
                if refused.status not in NOT_NOW:
                    raise
