"""What a service does about other services' events."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts import catalogue
from tidemill_contracts.event import Event, type_of

type Reaction = Callable[[Any, AsyncConnection], Awaitable[None]]


class Consumers:
    """What a service reacts to; a reaction gets the event and the connection of its transaction."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.reactions: dict[str, Reaction] = {}
        self.subjects: dict[str, set[str]] = {}

    def on[E: Event](
        self,
        kind: type[E],
        *,
        system: bool = False,
    ) -> Callable[
        [Callable[[E, AsyncConnection], Awaitable[None]]],
        Callable[[E, AsyncConnection], Awaitable[None]],
    ]:
        """React to events of this class; with `system` to those of system jobs alone."""
        tag = type_of(kind)

        def register(
            reaction: Callable[[E, AsyncConnection], Awaitable[None]],
        ) -> Callable[[E, AsyncConnection], Awaitable[None]]:
            self.reactions[tag] = reaction
            subject = f"tm.event.*.{tag}.system" if system else f"tm.event.*.{tag}"
            self.subjects.setdefault(catalogue.owner_of(tag), set()).add(subject)
            return reaction

        return register
