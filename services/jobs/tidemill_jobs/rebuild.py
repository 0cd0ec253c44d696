"""`tidemill-rebuild`: folds the log and compares it with the tables, in the service's settings."""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import msgspec
from msgspec import Struct

from tidemill_jobs import rows, streamed, verification
from tidemill_jobs.settings import JobsSettings
from tidemill_jobs.verification import Counts, Difference
from tidemill_kit import bus, logs
from tidemill_kit.errors import TidemillError
from tidemill_kit.settings import load

TOLD_EVERY_S = 2.0
SHOWN_CHARS = 200
CONNECT_S = 10
AWAY = 2


class Summary(Struct, frozen=True, kw_only=True):
    """What was compared, and what came of it."""

    jobs: int
    events: int
    deleted: int
    differences: int
    seconds: float


class Teller:
    """Differences go to stdout as they are found, how far it is to stderr."""

    def __init__(self, counts: Counts, *, as_json: bool, limit: int) -> None:
        self._counts = counts
        self._as_json = as_json
        self._limit = limit
        self._began = self._told = time.monotonic()

    def found(self, difference: Difference) -> None:
        self._counts.differences += 1
        if self._counts.differences <= self._limit:
            sys.stdout.write(f"{self._line(difference)}\n")
            sys.stdout.flush()

    def progress(self) -> None:
        if time.monotonic() - self._told > TOLD_EVERY_S:
            self._told = time.monotonic()
            sys.stderr.write(f"{self._so_far()}\n")

    def end(self) -> None:
        counts, seconds = self._counts, round(time.monotonic() - self._began, 3)
        if self._as_json:
            summary = Summary(**msgspec.structs.asdict(counts), seconds=seconds)
            sys.stdout.write(f"{msgspec.json.encode(summary).decode()}\n")
        else:
            sys.stderr.write(f"{self._so_far()}; {counts.differences or 'no'} differences\n")

    def _so_far(self) -> str:
        seconds = max(time.monotonic() - self._began, 0.001)
        counts = self._counts
        rate = f"{counts.events / seconds:,.0f} events/s"
        return f"{counts.jobs:,} jobs, {counts.events:,} events in {seconds:.1f} s ({rate})"

    def _line(self, found: Difference) -> str:
        if self._as_json:
            return msgspec.json.encode(found).decode()
        folded, stored = (_shown(value) for value in (found.folded, found.stored))
        return f"{found.job_id}  {found.field}: folded {folded}, stored {stored}"


def main() -> None:
    """Fold every job's events and compare with the jobs' rows; exit 1 where they differ.

    Reads one snapshot and writes nothing. Exit 2 says why it could not be done.
    """
    arguments, settings = _arguments(), load(JobsSettings)
    logs.configure("rebuild", "error")
    counts = Counts()
    teller = Teller(counts, as_json=arguments.json, limit=arguments.limit)
    try:
        with_stream = arguments.source == "stream"
        asyncio.run(_verify(settings, counts, teller, with_stream=with_stream))
    except (TidemillError, asyncpg.PostgresError, OSError, TimeoutError) as error:
        sys.stderr.write(f"tidemill-rebuild: {error or type(error).__name__}\n")
        sys.exit(AWAY)
    except KeyboardInterrupt:
        sys.exit(130)
    teller.end()
    sys.exit(1 if counts.differences else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tidemill-rebuild", description=main.__doc__)
    parser.add_argument("--verify", action="store_true", required=True, help="change nothing")
    parser.add_argument(
        "--from",
        dest="source",
        choices=("table", "stream"),
        default="table",
        help="also compare the events table with EVENTS in NATS, message by message",
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON for each difference")
    parser.add_argument("--limit", type=int, default=1_000, help="print at most so many of them")
    return parser.parse_args()


async def _verify(
    settings: JobsSettings,
    counts: Counts,
    teller: Teller,
    *,
    with_stream: bool,
) -> None:
    async with _connected(settings) as connection, connection.transaction():
        await verification.snapshot(connection)
        if with_stream:
            async with asyncio.timeout(CONNECT_S):
                client = await bus.connect(settings, "rebuild")
            try:
                await _tell(streamed.differences(connection, client, counts), teller)
            finally:
                await client.close()
            counts.events = 0
        await _tell(verification.differences(connection, counts), teller)


async def _tell(found: AsyncIterator[Difference | None], teller: Teller) -> None:
    async for difference in found:
        if difference is not None:
            teller.found(difference)
        teller.progress()


@asynccontextmanager
async def _connected(settings: JobsSettings) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        settings.database_url,
        timeout=CONNECT_S,
        server_settings={"search_path": "jobs", "application_name": "tidemill-rebuild"},
    )
    try:
        await rows.prepare(connection)
        yield connection
    finally:
        connection.terminate()


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"
