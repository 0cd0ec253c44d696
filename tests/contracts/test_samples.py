"""Every event stays readable for ever."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.contracts import samples
from tidemill_contracts.catalogue import decode, encode, event_types

every_sample = pytest.mark.parametrize("sample", samples.known(), ids=lambda path: path.stem)


def keeps(before: Any, after: Any) -> bool:
    """Whether nothing that was said before is missing or different; more may be said."""
    if isinstance(before, dict) and isinstance(after, dict):
        return all(name in after and keeps(before[name], after[name]) for name in before)
    if isinstance(before, list) and isinstance(after, list):
        pairs = zip(before, after, strict=False)
        return len(before) == len(after) and all(keeps(one, other) for one, other in pairs)
    return before == after


@pytest.mark.parametrize("event_type", event_types())
def test_every_event_has_a_sample(event_type: str) -> None:
    assert samples.sample(event_type).exists(), "run `just samples`"


@every_sample
def test_a_sample_is_read_as_its_event(sample: Path) -> None:
    event = decode(sample.read_bytes())

    assert event is not None
    assert event.type == sample.stem


@every_sample
def test_nothing_of_a_sample_is_lost(sample: Path) -> None:
    event = decode(sample.read_bytes())

    assert event is not None
    assert keeps(msgspec.json.decode(sample.read_bytes()), msgspec.json.decode(encode(event)))


@every_sample
def test_fields_of_a_later_version_are_ignored(sample: Path) -> None:
    later = msgspec.json.decode(sample.read_bytes()) | {"invented_later": {"deep": [1]}}

    assert decode(msgspec.json.encode(later)) == decode(sample.read_bytes())


@pytest.mark.parametrize(
    ("before", "after"),
    [({"a": 1}, {}), ({"a": {"b": 1}}, {"a": {"b": 2}}), ([1], [1, 2]), ({"a": [1]}, {"a": []})],
)
def test_a_loss_is_seen(before: Any, after: Any) -> None:
    assert not keeps(before, after)
