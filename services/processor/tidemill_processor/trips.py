"""Requests to the jobs service: what waits while one is under way goes together in the next."""

import asyncio
import random
import time
from asyncio import Future
from collections import deque
from typing import Any

import msgspec
import structlog
from msgspec import Raw, Struct
from nats.aio.client import Client

from tidemill_kit.bus import BusAway, RequestRefused, call

log = structlog.get_logger()

MAX_ITEMS = 512
MAX_BYTES = 700_000
TIMEOUT_S = 5.0
FIRST_BACK_OFF_S = 0.05
LONGEST_BACK_OFF_S = 2.0


class Unanswered(RuntimeError):
    """The jobs service stayed away for longer than it may be waited for."""


class _Question(Struct):
    body: bytes
    until: float
    answer: Future[Any]


class Trips[T]:
    """One subject, one request at a time; a question is repeated unchanged until it is answered."""

    def __init__(self, client: Client, subject: str, kind: type[T]) -> None:
        self.away = False
        self._client = client
        self._subject = subject
        self._kind = list[kind]
        self._waiting: deque[_Question] = deque()
        self._wake = asyncio.Event()
        self._most = MAX_ITEMS

    async def ask(self, question: Any, until: float) -> T:
        """The answer; Unanswered where there is none by this moment of the monotonic clock."""
        return await self.put(question, until)

    def put(self, question: Any, until: float) -> Future[T]:
        """As `ask`, for a caller that has many."""
        answer: Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Question(msgspec.json.encode(question), until, answer))
        self._wake.set()
        return answer

    async def run(self) -> None:
        """Carry questions for as long as the service runs."""
        back_off = FIRST_BACK_OFF_S
        while True:
            await self._wake.wait()
            asked = self._next()
            if not asked:
                self._wake.clear()
            elif await self._carry(asked):
                back_off = FIRST_BACK_OFF_S
            else:
                await asyncio.sleep(back_off * (1 + random.random()))  # noqa: S311 - jitter
                back_off = min(back_off * 2, LONGEST_BACK_OFF_S)

    def _next(self) -> list[_Question]:
        asked: list[_Question] = []
        room = MAX_BYTES
        while self._waiting and len(asked) < self._most:
            if asked and len(self._waiting[0].body) > room:
                break
            question = self._waiting.popleft()
            if question.answer.done():
                continue
            if time.monotonic() > question.until:
                question.answer.set_exception(Unanswered(self._subject))
                continue
            room -= len(question.body)
            asked.append(question)
        return asked

    async def _carry(self, asked: list[_Question]) -> bool:
        body = [Raw(question.body) for question in asked]
        try:
            answers = await call(self._client, self._subject, body, self._kind, timeout_s=TIMEOUT_S)
        except (BusAway, RequestRefused) as error:
            if not self.away:
                log.warning("jobs.away", subject=self._subject, reason=str(error))
            self.away = True
            # one question that cannot be answered must not hold back all that travel with it
            if isinstance(error, RequestRefused):
                self._most = max(1, len(asked) // 2)
            self._waiting.extend(asked)
            return False
        self.away = False
        self._most = min(MAX_ITEMS, self._most * 2)
        for question, answer in zip(asked, answers, strict=True):
            if not question.answer.done():
                question.answer.set_result(answer)
        return True
