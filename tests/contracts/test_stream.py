"""Frames of the live stream, there and back."""

from typing import Any, get_args

import msgspec
import pytest
from msgspec import Struct

from tests.builders import a
from tidemill_contracts.pages import StreamedEvent
from tidemill_contracts.stream import ClientFrame, ServerFrame, Subscribe

TOPIC = "job.01920000-0000-7000-8000-000000000004"
client_frames = pytest.mark.parametrize("kind", get_args(ClientFrame))
server_frames = pytest.mark.parametrize("kind", get_args(ServerFrame))


def a_frame(kind: type[Struct]) -> Struct:
    """A frame as it may go over the wire."""
    fitting: dict[str, Any] = {
        "topics": [TOPIC],
        "types": ["job.*"],
        "items": [StreamedEvent("1.1", {"type": "job.queued"})],
    }
    known = set(kind.__struct_fields__)
    return a(kind, **{name: value for name, value in fitting.items() if name in known})


@client_frames
def test_a_client_frame_comes_back_as_it_was(kind: type[Struct]) -> None:
    frame = a_frame(kind)

    body = msgspec.json.encode(frame)

    assert msgspec.json.decode(body, type=ClientFrame) == frame


@server_frames
def test_a_server_frame_comes_back_as_it_was(kind: type[Struct]) -> None:
    frame = a_frame(kind)

    body = msgspec.json.encode(frame)

    assert msgspec.json.encode(msgspec.json.decode(body, type=ServerFrame)) == body


@server_frames
def test_a_client_ignores_what_a_later_server_adds(kind: type[Struct]) -> None:
    frame = msgspec.json.decode(msgspec.json.encode(a_frame(kind))) | {"invented_later": 1}

    assert isinstance(msgspec.json.decode(msgspec.json.encode(frame), type=ServerFrame), kind)


@pytest.mark.parametrize(
    "topic", ["", "job.*", "job.", "job.01920000", "user.me", f"{TOPIC}\n", f" {TOPIC}", "ALL"]
)
def test_a_topic_that_is_none_is_refused(topic: str) -> None:
    frame = {"op": "subscribe", "id": "s", "topics": [topic]}

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(frame, ClientFrame)


def test_a_subscription_needs_a_topic() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"op": "subscribe", "id": "s", "topics": []}, Subscribe)
