"""PostgreSQL's clock."""

import time
from datetime import UTC, datetime, timedelta

import asyncpg

_CLOCK = "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.USZ')"


class Clock:
    """PostgreSQL's clock, asked once a second: leases and deadlines know no other."""

    def __init__(self) -> None:
        self._read = float("-inf")
        self._moment = datetime.min.replace(tzinfo=UTC)

    async def now(self, connection: asyncpg.Connection) -> datetime:
        passed = time.monotonic() - self._read
        if passed > 1.0:
            self._moment = datetime.fromisoformat(str(await connection.fetchval(_CLOCK)))
            self._read, passed = time.monotonic(), 0.0
        moment = self._moment + timedelta(seconds=passed)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
