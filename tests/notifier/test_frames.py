"""Client frames: what is understood, and what closes the socket."""

import pytest

from tidemill_contracts.stream import Authenticate, Ping, Subscribe, Unsubscribe
from tidemill_notifier.settings import NotifierSettings
from tidemill_notifier.sockets import BadFrame, read_frame
from tidemill_notifier.wires import origin_allowed

JOB = "job.01a200dd-d554-79f2-8ace-ba0498e0cfb1"


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"op":"auth","token":"t"}', Authenticate("t")),
        ('{"op":"ping"}', Ping()),
        ('{"op":"unsubscribe","id":"s"}', Unsubscribe("s")),
        ('{"op":"subscribe","id":"s","topics":["all"]}', Subscribe(id="s", topics=["all"])),
        (
            f'{{"op":"subscribe","id":"s","topics":["{JOB}"],"types":["job.*"],"since":"1.2"}}',
            Subscribe(id="s", topics=[JOB], types=["job.*"], since="1.2"),
        ),
    ],
)
def test_a_frame_is_read(text: str, frame: object) -> None:
    assert read_frame(text) == frame


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "null",
        "[]",
        "17",
        b"\xff\xfe",
        b'{"op":"ping","x":"\xff"}',
        '{"op":"shout"}',
        '{"topics":["all"]}',
        '{"op":"auth"}',
        '{"op":"auth","token":7}',
        '{"op":"ping","extra":1}',
        '{"op":"subscribe","id":"","topics":["all"]}',
        '{"op":"subscribe","id":"s","topics":[]}',
        '{"op":"subscribe","id":"s","topics":["everything"]}',
        '{"op":"subscribe","id":"s","topics":["all\\n"]}',
        '{"op":"subscribe","id":"s","topics":["job.1"]}',
        '{"op":"subscribe","id":"s","topics":"all"}',
        '{"op":"subscribe","id":"s","topics":["all"],"types":["*"]}',
        '{"op":"subscribe","id":"s","topics":["all"],"since":7}',
        '{"op":"unsubscribe"}',
    ],
)
def test_what_is_no_frame_is_refused(data: str | bytes) -> None:
    with pytest.raises(BadFrame):
        read_frame(data)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("https://data.example.org", True),
        ("https://data.example.org:443", True),
        ("HTTPS://DATA.example.org", True),
        ("https://tools.example.org:8443", True),
        ("http://data.example.org", False),
        ("https://data.example.org:8443", False),
        ("https://data.example.org.evil.com", False),
        ("https://evil.com", False),
        ("https://data.example.org:x", False),
        ("null", False),
        ("", False),
    ],
)
def test_pages_of_foreign_origins_may_not_connect(
    origin: str | None,
    allowed: bool,
) -> None:
    settings = NotifierSettings(
        public_url="https://data.example.org/",
        allowed_origins="https://tools.example.org:8443",
    )

    assert origin_allowed(origin, settings) is allowed
