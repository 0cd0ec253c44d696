"""Whether a server really answers: a real call each, by hand to keep the supervisor small."""

import asyncio
import hashlib
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import msgspec

from tidemill_kit.signing import SigningKey, signed_headers
from tidemill_stack.credentials import S3Key
from tidemill_stack.errors import NotReady, StoreOpen

TRY_S = 3.0
PROBE_BODY = b"ready"
_OK = 200
_NO_CONTENT = 204
_FORBIDDEN = 403
_PLAIN_PORT = 80


async def http_status(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> tuple[int, bytes]:
    """One plain HTTP/1.1 request: its status and body; NotReady where nobody answers."""
    parts = urlsplit(url)
    path = parts.path or "/"
    lines = {
        "host": parts.netloc,
        "content-length": str(len(body)),
        "connection": "close",
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    async with _connected(parts.hostname or "", parts.port or _PLAIN_PORT) as (reader, writer):
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        status = (await reader.readline()).split()
        if len(status) < len(("HTTP/1.1", "200")):
            raise NotReady(f"{url} closed the connection")
        return int(status[1]), (await reader.read()).partition(b"\r\n\r\n")[2]


async def listens(host: str, port: int) -> None:
    async with _connected(host, port):
        pass


async def answers(url: str) -> None:
    """A GET is answered with 200."""
    status, body = await http_status(url)
    if status != _OK:
        raise NotReady(f"{url} answered {status}: {body[:300].decode(errors='replace')}")


async def answers_anything(url: str) -> None:
    await http_status(url)


async def sql(psql: Path, port: int, password: str, statement: str, database: str) -> str:
    """What PostgreSQL answers to one statement of its administrator."""
    arguments = ["-XAtqw", "-h", "127.0.0.1", "-p", str(port), "-U", "tidemill", "-d", database]
    process = await asyncio.create_subprocess_exec(
        psql,
        *arguments,
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        statement,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env={"PGPASSWORD": password, "PGCONNECT_TIMEOUT": "3"},
    )
    out, errors = await process.communicate()
    if process.returncode != 0:
        raise NotReady(errors.decode(errors="replace").strip())
    return out.decode().strip()


async def jetstream(host: str, port: int, user: str, password: str) -> None:
    """The user may sign in and JetStream answers for its account."""
    inbox = f"_INBOX_{user}.ready"
    options = {"user": user, "pass": password, "verbose": False, "pedantic": False, "lang": "py"}
    async with _connected(host, port) as (reader, writer):
        await reader.readline()
        writer.write(
            b"CONNECT %b\r\nSUB %b 1\r\nPUB $JS.API.INFO %b 0\r\n\r\n"
            % (msgspec.json.encode(options), inbox.encode(), inbox.encode()),
        )
        while line := await reader.readline():
            if line.startswith(b"-ERR"):
                raise NotReady(line.decode(errors="replace").strip())
            if line.startswith(b"MSG"):
                return
    raise NotReady("nats-server closed the connection")


async def keeps_objects(endpoint: str, bucket: str, key: S3Key) -> None:
    """An object can be written, read and deleted; strangers are refused (else StoreOpen).

    Each try takes a new key: SeaweedFS may lose the first ones in its start, and keeps their
    locks for a quarter of a minute.
    """
    path = f"/{bucket}/.tidemill/{token_hex(8)}"
    await _signed(endpoint, "PUT", path, key, PROBE_BODY)
    if await _signed(endpoint, "GET", path, key) != PROBE_BODY:
        raise NotReady(f"{endpoint} gave back another object")
    status, _ = await http_status(endpoint + path)
    if status == _OK:
        raise StoreOpen(f"{endpoint} gives objects to strangers")
    await _signed(endpoint, "DELETE", path, key)


async def _signed(endpoint: str, method: str, path: str, key: S3Key, body: bytes = b"") -> bytes:
    signing = SigningKey(key.access_key, key.secret_key)
    sha256, host = hashlib.sha256(body).hexdigest(), {"host": urlsplit(endpoint).netloc}
    headers = signed_headers(signing, method, path, headers=host, sha256=sha256)
    status, answer = await http_status(endpoint + path, method, headers, body)
    if status not in (_OK, _NO_CONTENT):
        raise NotReady(f"{method} {path} answered {status}")
    return answer


@asynccontextmanager
async def _connected(host: str, port: int) -> AsyncGenerator[tuple[StreamReader, StreamWriter]]:
    try:
        async with asyncio.timeout(TRY_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                yield reader, writer
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError) as error:
        raise NotReady(f"{host}:{port}: {error or type(error).__name__}") from error
