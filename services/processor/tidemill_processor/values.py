"""How a processor's value becomes JSON."""

import math
from typing import Any

import msgspec

PLAIN = (bool, int, str, type(None))


def encode_value(value: Any) -> bytes:
    """A value as JSON, exactly: NaN and infinity become the strings "NaN", "Infinity" and
    "-Infinity", for JSON has no such numbers and null would mean that nothing is known.
    """
    return msgspec.json.encode(json_value(value))


def json_value(value: Any) -> Any:
    """A value as JSON builtins, under the rule of `encode_value`."""
    if type(value) in PLAIN:
        return value
    return _exact(msgspec.to_builtins(value))


def _exact(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case dict():
            return {key: _exact(each) for key, each in value.items()}
        case list() | tuple():
            return [_exact(each) for each in value]
        case _:
            return value
