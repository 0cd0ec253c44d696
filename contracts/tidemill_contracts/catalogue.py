"""Every event there is, found by walking the class tree."""

from functools import cache
from typing import Any, Union

import msgspec

from tidemill_contracts import datasets, identity, job_events, schedules, webhooks
from tidemill_contracts.event import Event, type_of

CONTEXTS = (datasets, identity, job_events, schedules, webhooks)
OWNED = {
    "identity": ("user", "session", "api_key", "tenant"),
    "ingestion": ("dataset",),
    "jobs": ("job", "schedule"),
    "notifier": ("webhook",),
}


def owner_of(event_type: str) -> str:
    """The service that writes events of this type."""
    context = event_type.partition(".")[0]
    return next(service for service, contexts in OWNED.items() if context in contexts)


@cache
def event_types() -> dict[str, type[Event]]:
    """Every concrete event class by its type."""
    leaves = {type_of(kind): kind for kind in _leaves(Event)}
    return dict(sorted(leaves.items()))


def decode(body: bytes) -> Event | None:
    """The event in these bytes, or None where its type is not known here."""
    try:
        return _decoder().decode(body)
    except msgspec.ValidationError:
        if _Tag.of(body) in event_types():
            raise
        return None


def encode(event: Event) -> bytes:
    return _ENCODER.encode(event)


_ENCODER = msgspec.json.Encoder()


class _Tag(msgspec.Struct):
    type: str = ""

    @classmethod
    def of(cls, body: bytes) -> str:
        return msgspec.json.decode(body, type=cls).type


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Union[tuple(event_types().values())])  # noqa: UP007 - made at run time


def _leaves(kind: type[Event]) -> list[type[Event]]:
    children = kind.__subclasses__()
    if not children:
        return [kind]
    return [leaf for child in children for leaf in _leaves(child)]
