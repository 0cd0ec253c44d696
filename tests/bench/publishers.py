"""Who puts an event of M5 where each side's sockets are fed from: JetStream, or Redis."""

from asyncio import StreamReader, StreamWriter, open_connection
from typing import Self
from uuid import UUID, uuid4

import msgspec
import nats
from nats.aio.client import Client

from tests.bench.load import Refused
from tidemill_contracts.job_events import JobStalled
from tidemill_kit.streams import EVENTS, Entry, publish


class ToJetStream:
    """Publishes as the jobs service does, and waits until the stream has it."""

    mark = b'"job.stalled"'

    def __init__(self, client: Client, tenant_id: UUID) -> None:
        self._client, self._tenant_id = client, tenant_id

    @classmethod
    async def open(cls, url: str, password: str, tenant_id: str) -> Self:
        client = await nats.connect(
            url, user="jobs", password=password, inbox_prefix=b"_INBOX_jobs"
        )
        return cls(client, UUID(tenant_id))

    async def publish(self) -> None:
        event = JobStalled(tenant_id=self._tenant_id, job_id=uuid4(), seq=1, attempt=1)
        body = msgspec.json.encode(event)
        await publish(self._client, EVENTS, Entry(event.subject, str(event.id), body))

    async def close(self) -> None:
        await self._client.close()


class ToRedis:
    """Publishes a notice as the plain stack's workers do."""

    mark = b'"stalled"'

    def __init__(self, reader: StreamReader, writer: StreamWriter, user: str) -> None:
        self._reader, self._writer, self._user = reader, writer, user

    @classmethod
    async def open(cls, port: int, user: str) -> Self:
        return cls(*await open_connection("127.0.0.1", port), user)

    async def publish(self) -> None:
        text = msgspec.json.encode({"job_id": uuid4(), "status": "stalled", "result": None})
        parts = (b"PUBLISH", f"user:{self._user}".encode(), text)
        command = b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
        self._writer.write(b"*3\r\n" + command)
        answer = await self._reader.readline()
        if answer.strip() != b":1":
            raise Refused(f"redis answered {answer.decode().strip()}, not one subscriber")

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()
