"""Which events somebody asked for, and may see."""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from tidemill_contracts.catalogue import OWNED, owner_of
from tidemill_contracts.identity import Principal, Role

ALL = "all"
PROGRESS = "job.progress"
LOG = "job.log"
_ADMINS_ONLY = frozenset(OWNED["identity"])


class Described(Protocol):
    """What a selection looks at."""

    tenant: str
    type: str
    system: bool

    @property
    def topic(self) -> str: ...


class Selection:
    """Topics and types of one tenant; what is about users and keys comes to admins alone."""

    def __init__(
        self,
        principal: Principal,
        topics: Iterable[str],
        types: Iterable[str] | None = None,
    ) -> None:
        self.tenant_id: UUID = principal.tenant_id
        self.tenant = principal.tenant_id.hex
        self.topics = frozenset(topics)
        self.everything = ALL in self.topics
        self._types = None if types is None else frozenset(types)
        self._admin = principal.role.includes(Role.ADMIN)
        self._accepted: dict[str, bool] = {}
        self._equal = self.tenant, self.topics, self._types, self._admin
        self._hash = hash(self._equal)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selection) and self._equal == other._equal

    def __hash__(self) -> int:
        return self._hash

    @property
    def keyed(self) -> list[str]:
        """The topics that name one thing."""
        return sorted(self.topics - {ALL})

    @property
    def subjects(self) -> str:
        """The subjects on which all selected events are published."""
        contexts = {topic.partition(".")[0] for topic in self.topics}
        context = f"{contexts.pop()}." if len(contexts) == 1 and not self.everything else ""
        return f"tm.event.{self.tenant}.{context}>"

    def accepts(self, event_type: str) -> bool:
        """Whether events of this type were asked for and may be seen."""
        known = self._accepted.get(event_type)
        if known is None:
            known = self._accepted[event_type] = self._judge(event_type)
        return known

    def wants(self, entry: Described) -> bool:
        """Whether this event is part of the selection."""
        if entry.tenant != self.tenant or not self.accepts(entry.type):
            return False
        if self.everything and not entry.system:
            return True
        return entry.topic in self.topics

    def _judge(self, event_type: str) -> bool:
        context = event_type.partition(".")[0]
        if context in _ADMINS_ONLY and not self._admin:
            return False
        return self._types is None or not self._types.isdisjoint({event_type, f"{context}.*"})


def key_of(topic: str) -> UUID | None:
    """The id in a topic, or None where it is none in its canonical form."""
    text = topic.partition(".")[2]
    try:
        key = UUID(text)
    except ValueError:
        return None
    return key if str(key) == text else None


def owner_of_topic(topic: str) -> str:
    """The service that keeps the history of this topic's thing."""
    return owner_of(f"{topic.partition('.')[0]}.*")
