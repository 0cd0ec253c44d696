"""Passwords: argon2id in two threads, so that the event loop never waits for it."""

import asyncio
import secrets
import unicodedata
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Self

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tidemill_kit.errors import TooMany

THREADS = 2
# OWASP's second choice: 22 ms on a small machine
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class TooManyPasswords(TooMany):
    """More passwords wait to be checked than allowed."""


class Passwords:
    """Hashes and checks, two at a time; whoever would wait in too long a queue is refused."""

    def __init__(self, max_waiting: int) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._free = asyncio.Semaphore(THREADS)
        self._waiting = 0
        self._max_waiting = max_waiting
        self._nobodys = _HASHER.hash(secrets.token_hex())

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[Self]:
        """Wait for one of the threads; what a caller decides within is decided two at a time."""
        if self._waiting >= self._max_waiting:
            raise TooManyPasswords(limit="max_waiting_sign_ins")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield self
        finally:
            self._free.release()

    async def hash(self, password: str) -> str:
        return await self._in_thread(lambda: _HASHER.hash(_normal(password)))

    async def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password; without a hash the answer is no, and takes as long."""
        known = password_hash or self._nobodys
        return await self._in_thread(lambda: _fits(known, password)) and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        return _HASHER.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _in_thread[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)
