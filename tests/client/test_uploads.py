"""What is sent of a source."""

import hashlib
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tidemill_client.gateway import Body
from tidemill_client.uploads import PIECE_BYTES, Upload


async def sent(body: Body) -> bytes:
    return b"".join([piece async for piece in body.content()])


def parts(body: Body, content: bytes) -> dict[Any, Message]:
    message = message_from_bytes(f"Content-Type: {body.media_type}\r\n\r\n".encode() + content)
    return {
        part.get_param("name", header="content-disposition"): part
        for part in message.walk()
        if not part.is_multipart()
    }


async def test_a_file_is_sent_as_it_is_hashed_and_reported(tmp_path: Path) -> None:
    content = b"x" * (2 * PIECE_BYTES + 5)
    file = tmp_path / "x.bin"
    file.write_bytes(content)
    told: list[tuple[int, int | None]] = []

    upload = Upload(file, hook=lambda done, total: told.append((done, total)))
    body = upload.raw()

    assert await sent(body) == content
    assert body.size_bytes == len(content)
    assert upload.sha256 == hashlib.sha256(content).hexdigest()
    assert [done for done, _ in told] == [0, PIECE_BYTES, 2 * PIECE_BYTES, len(content)]
    assert {total for _, total in told} == {len(content)}


async def test_a_second_try_sends_and_hashes_the_file_anew() -> None:
    upload = Upload(b"a,b\n1,2\n")
    body = upload.raw()

    first, second = await sent(body), await sent(body)

    assert first == second
    assert upload.sha256 == hashlib.sha256(first).hexdigest()


async def test_a_stream_is_sent_but_once() -> None:
    async def numbers() -> AsyncIterator[bytes]:
        for number in range(3):
            yield str(number).encode()

    body = Upload(numbers()).raw()

    assert (body.repeatable, body.size_bytes) == (False, None)
    assert await sent(body) == b"012"


@pytest.mark.parametrize("name", ["plain.csv", 'with "quotes".csv', "ünï cödé.csv"])
async def test_a_form_describes_the_file_before_its_bytes(name: str) -> None:
    body = Upload(b"a\r\n--b\r\n").form({"name": name, "labels": {"kind": "naïve"}})

    content = await sent(body)

    found = parts(body, content)
    assert body.size_bytes == len(content)
    assert list(found) == ["name", "labels", "file"]
    assert found["name"].get_payload(decode=True) == name.encode()
    assert found["labels"].get_payload(decode=True) == '{"kind":"naïve"}'.encode()
    assert found["file"].get_payload(decode=True) == b"a\r\n--b\r\n"
