"""Frames as bytes: what sockets are told, and the header that WebSockets put before it."""

from collections.abc import Iterator, Sequence

import msgspec

from tidemill_contracts.stream import MAX_SERVER_FRAME_BYTES

encode = msgspec.json.Encoder().encode
_OVERHEAD = 256
_SHORT, _LONG = 125, 65_535


def text(payload: bytes) -> bytes:
    """A whole text frame of a server (RFC 6455): unmasked, so the same for every socket."""
    size = len(payload)
    if size <= _SHORT:
        return b"\x81" + size.to_bytes(1) + payload
    if size <= _LONG:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


def events(subscription: str, items: Sequence[bytes], *, replay: bool = False) -> Iterator[bytes]:
    """`events` for items that are encoded already, none larger than allowed."""
    head = b'{"op":"events","id":%b,"items":[' % encode(subscription)
    tail = b'],"replay":true}' if replay else b"]}"
    begin, size = 0, _OVERHEAD
    for number, item in enumerate(items):
        size += len(item) + 1
        if size > MAX_SERVER_FRAME_BYTES and number > begin:
            yield head + b",".join(items[begin:number]) + tail
            begin, size = number, _OVERHEAD + len(item) + 1
    if begin < len(items):
        yield head + b",".join(items[begin:]) + tail


def progress(subscription: str, job_id: str, body: bytes) -> bytes:
    head = b'{"op":"progress","id":%b,' % encode(subscription)
    return head + b'"job_id":"%b","progress":%b}' % (job_id.encode(), body)


def log(subscription: str, job_id: str, lines: Sequence[bytes], skipped: int) -> bytes:
    """No more than 256 KiB of lines, so smaller than any frame may be."""
    head = b'{"op":"log","id":%b,' % encode(subscription)
    left_out = b',"skipped":%d' % skipped if skipped else b""
    return head + b'"job_id":"%b","lines":[%b]%b}' % (job_id.encode(), b",".join(lines), left_out)
