"""Queues as the API shows them."""

from msgspec import Struct


class PauseQueue(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom it is for: the caller's tenant, or everybody, which takes the system's administrator."""

    everyone: bool = False


class Queue(Struct, frozen=True, kw_only=True):
    """A queue with the caller's own work in it; each count stops at 100,000.

    `paused` says that nothing of the caller's starts; `paused_for_all` that nobody's does.
    """

    name: str
    paused: bool
    paused_for_all: bool
    blocked: int
    queued: int
    running: int
    retrying: int
    slots: int
    workers: int
