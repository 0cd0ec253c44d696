"""Uploads as they come in, without any server."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_ingestion.incoming import (
    EmptyFile,
    EncodingUnknown,
    Incoming,
    LabelsInvalid,
    OptionsInvalid,
    UploadStalled,
    read,
)
from tidemill_ingestion.limits import Allowance, DatasetTooLarge, StorageFull
from tidemill_kit.errors import BadRequest, TidemillError, UnsupportedMedia

BOUNDARY = "frontier"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
PLENTY = Allowance(10**9, 10**9)


async def flow(chunks: list[bytes]) -> AsyncGenerator[bytes]:
    for chunk in chunks:
        yield chunk


def part(name: str, body: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + body + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def take(
    chunks: list[bytes],
    headers: Mapping[str, str],
    allowance: Allowance = PLENTY,
    query: Mapping[str, str] | None = None,
) -> tuple[bytes, Any]:
    incoming = Incoming(flow(chunks), headers, query or {}, stall_s=5)
    body = b"".join([chunk async for chunk in incoming.chunks(allowance)])
    return body, incoming.said


@given(content=st.binary(min_size=1, max_size=300), size=st.integers(1, 60))
async def test_a_form_gives_the_same_bytes_in_pieces_of_any_size(content: bytes, size: int) -> None:
    whole = form(
        part("labels", b'{"team": "blue"}'),
        part("file", content, "a.csv"),
        part("name", b"after the file"),
    )

    body, said = await take([whole[i : i + size] for i in range(0, len(whole), size)], FORM)

    assert body == content
    assert (said.name, said.labels) == ("after the file", {"team": "blue"})


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8), allowed=st.integers(1, 200))
async def test_never_more_bytes_come_through_than_allowed(sizes: list[int], allowed: int) -> None:
    chunks, taken = [b"x" * size for size in sizes], 0

    incoming = Incoming(flow(chunks), {}, {}, stall_s=5)
    try:
        async for chunk in incoming.chunks(Allowance(allowed, 10**6)):
            taken += len(chunk)
    except DatasetTooLarge:
        assert sum(sizes) > allowed

    assert taken <= allowed


async def test_without_a_name_a_form_is_called_like_its_file() -> None:
    _, said = await take([form(part("file", b"x", "C:\\data\\a.csv"))], FORM)

    assert said.name == "a.csv"


async def test_what_the_uploader_knows_better_is_kept() -> None:
    query = {
        "name": "a",
        "format": "csv",
        "delimiter": ";",
        "encoding": "cp1252",
        "header": "false",
    }

    _, said = await take([b"x"], {}, query=query)

    assert said.options == {
        "format": "csv",
        "delimiter": ";",
        "encoding": "cp1252",
        "header": False,
    }


@pytest.mark.parametrize(
    ("chunks", "error"),
    [
        ([form()], BadRequest),
        ([form(part("name", b"no file"))], BadRequest),
        ([form(part("file", b"", "a.csv"))], EmptyFile),
        ([form(part("file", b"x", "a"), part("file", b"y", "b"))], BadRequest),
        ([form(part("file", b"x", "a"), part("colour", b"blue"))], BadRequest),
        ([form(part("file", b"x", "a"), part("name", b"\xff"))], BadRequest),
        ([form(part("file", b"x", "a"), part("labels", b"x" * 70_000))], BadRequest),
        ([part("file", b"cut off", "a")], BadRequest),
        ([b"not a form at all"], BadRequest),
        ([], BadRequest),
        ([form(*(part(f"name{n}", b"x") for n in range(20)))], BadRequest),
        ([b"--frontier\r\nNo-Disposition: x\r\n\r\n"], BadRequest),
    ],
)
async def test_a_form_that_cannot_be_meant_is_refused(
    chunks: list[bytes],
    error: type[TidemillError],
) -> None:
    with pytest.raises(error):
        await take(chunks, FORM)


async def test_a_form_without_a_boundary_is_refused() -> None:
    with pytest.raises(BadRequest):
        await take([b"x"], {"content-type": "multipart/form-data"})


@pytest.mark.parametrize(
    "kind",
    ["text/html", "image/png", "application/x-www-form-urlencoded", "multipart/mixed"],
)
async def test_a_type_that_is_no_data_is_refused(kind: str) -> None:
    with pytest.raises(UnsupportedMedia) as refused:
        await take([b"x"], {"content-type": kind})

    assert "application/octet-stream" in (refused.value.detail or "")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"labels": "{"}, BadRequest),
        ({"labels": '{"a": 1}'}, BadRequest),
        ({"labels": '{"": "x"}'}, BadRequest),
        ({"labels": '{"a": "' + "x" * 256 + '"}'}, BadRequest),
        ({"labels": '{"a": "\\u0000"}'}, LabelsInvalid),
        ({"format": "xlsx"}, BadRequest),
        ({"delimiter": ";;"}, BadRequest),
        ({"header": "maybe"}, BadRequest),
        ({"encoding": "klingon"}, EncodingUnknown),
        ({"encoding": "hex"}, EncodingUnknown),
        ({"encoding": "a\0"}, EncodingUnknown),
        ({"types": "{"}, BadRequest),
        ({"types": '{"a": "complex"}'}, BadRequest),
        ({"contract": "strict"}, BadRequest),
        ({"depth": "17"}, BadRequest),
        ({"skip": "-1"}, BadRequest),
        ({"decimal": "'"}, BadRequest),
    ],
)
def test_a_field_that_cannot_be_meant_is_named(
    fields: dict[str, str],
    error: type[TidemillError],
) -> None:
    with pytest.raises(error) as refused:
        read(fields, None)

    assert refused.value.errors[0].field.startswith(next(iter(fields)))


@pytest.mark.parametrize(
    "fields",
    [
        {"contract": "freeze"},
        {"delimiter": "\n"},
        {"delimiter": ";", "quote": ";"},
        {"delimiter": ",", "decimal": ","},
        {"skip": "1", "format": "ndjson"},
    ],
    ids=str,
)
def test_options_that_contradict_each_other_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(OptionsInvalid) as refused:
        read(fields, None)

    assert refused.value.errors[0].field == "options"


def test_options_come_as_text_and_go_on_without_defaults() -> None:
    fields = {
        "types": '{"a": "int64"}', "contract": "freeze", "header": "false", "depth": "4",
        "skip": "2", "decimal": ",",
    }  # fmt: skip

    said = read(fields, None)

    assert said.options == {
        "types": {"a": "int64"}, "contract": "freeze", "header": False, "skip": 2, "decimal": ",",
    }  # fmt: skip


async def test_a_length_over_the_limit_is_refused_before_a_byte_is_read() -> None:
    with pytest.raises(DatasetTooLarge):
        await take([], {"content-length": "5000000000"}, Allowance(10**9, 10**12))


async def test_a_full_tenant_is_told_so() -> None:
    with pytest.raises(StorageFull):
        await take([b"x" * 11], {}, Allowance(10**9, 10))


async def test_a_tenant_above_its_limit_may_store_nothing() -> None:
    with pytest.raises(StorageFull):
        await take([b"x"], {}, Allowance(10**9, -5))


async def test_an_upload_that_sends_nothing_is_ended() -> None:
    async def silence() -> AsyncGenerator[bytes]:
        yield b"x"
        await never.wait()

    never = asyncio.Event()
    incoming = Incoming(silence(), {}, {}, stall_s=0.01)

    with pytest.raises(UploadStalled):
        [chunk async for chunk in incoming.chunks(PLENTY)]
