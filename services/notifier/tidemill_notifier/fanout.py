"""Who gets which event: those who want the same, under the same name, get the same bytes."""

import asyncio
from collections import deque
from typing import Protocol

from tidemill_contracts.lines import LiveLines
from tidemill_contracts.log import Cursor
from tidemill_notifier import frames
from tidemill_notifier.ring import Entry
from tidemill_notifier.selection import ALL, Selection

_BATCH_EVENTS = 256
_BATCH_BYTES = 128 * 1024


class Batch:
    """Events that go out together; their frame is made once, when the first asks for it."""

    __slots__ = ("_entries", "_frame", "first", "items", "last", "name", "size")

    def __init__(self, name: str, entries: list[Entry]) -> None:
        self.name = name
        self._entries = entries
        self.items = [entry.item for entry in entries]
        self.size = sum(map(len, self.items))
        self.first, self.last = entries[0].cursor, entries[-1].cursor
        self._frame: bytes | None = None

    @property
    def frame(self) -> bytes:
        if self._frame is None:
            (payload,) = frames.events(self.name, self.items)
            self._frame = frames.text(payload)
        return self._frame

    def behind(self, cursor: Cursor) -> "Batch | None":
        """What of it lies behind this cursor."""
        entries = [entry for entry in self._entries if entry.cursor > cursor]
        return Batch(self.name, entries) if entries else None


class Follower(Protocol):
    """Whoever gets live events: a subscription of a socket, or a reader of a feed."""

    name: str
    selection: Selection

    def take(self, batch: Batch) -> None:
        """Take the next events of the selection, in the order of the log."""
        ...

    def progressed(self, job_id: str, progress: bytes) -> None:
        """Take the newest progress of a job."""
        ...

    def said(self, job_id: str, lines: LiveLines) -> None:
        """Take lines that a job said."""
        ...

    def restart(self, behind: Cursor) -> None:
        """The log is another one: read on from here, up to where all has come."""
        ...


class Group:
    """Followers with equal selections and names."""

    __slots__ = ("_last", "_name", "_selection", "_size", "_waiting", "key", "members")

    def __init__(self, key: tuple[str, Selection]) -> None:
        self.key = key
        self.members: dict[Follower, None] = {}
        self._name, self._selection = key
        self._last = Cursor(0, 0)
        self._waiting: list[Entry] = []
        self._size = 0

    @property
    def full(self) -> bool:
        return self._size > _BATCH_BYTES or len(self._waiting) >= _BATCH_EVENTS

    def add(self, entry: Entry) -> bool:
        """Whether this is the first that waits; an event of two topics counts once."""
        if entry.cursor <= self._last or not self._selection.accepts(entry.type):
            return False
        self._last = entry.cursor
        self._waiting.append(entry)
        self._size += len(entry.item)
        return len(self._waiting) == 1

    def flush(self) -> None:
        """Hand out what waits."""
        if not self._waiting:
            return
        batch = Batch(self._name, self._waiting)
        self._waiting, self._size = [], 0
        for member in tuple(self.members):
            member.take(batch)


class Fanout:
    """Passes events to groups of followers, what came in one turn of the loop in one frame."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, Selection], Group] = {}
        self._topics: dict[str, dict[str, dict[Group, None]]] = {}
        self._waiting = deque[Group]()

    def join(self, follower: Follower) -> None:
        """Pass on what comes from now on; twice changes nothing."""
        self.flush()
        selection = follower.selection
        key = follower.name, selection
        group = self._groups.get(key) or self._groups.setdefault(key, Group(key))
        group.members[follower] = None
        topics = self._topics.setdefault(selection.tenant, {})
        for topic in selection.topics:
            topics.setdefault(topic, {})[group] = None

    def leave(self, follower: Follower) -> None:
        """Pass on nothing more; one that does not follow may leave, too."""
        selection = follower.selection
        group = self._groups.get((follower.name, selection))
        if group is None or group.members.pop(follower, self) is self or group.members:
            return
        del self._groups[group.key]
        topics = self._topics[selection.tenant]
        for topic in selection.topics:
            del topics[topic][group]
            if not topics[topic]:
                del topics[topic]
        if not topics:
            del self._topics[selection.tenant]

    def pass_on(self, entry: Entry) -> bool:
        """Whether so much was written that others should have a turn."""
        topics = self._topics.get(entry.tenant)
        if topics is None:
            return False
        groups = () if entry.system else topics.get(ALL, ())
        named = topics.get(entry.topic, ()) if len(topics) > (ALL in topics) else ()
        enough = False
        for group in (*groups, *named):
            enough |= self._add(group, entry)
        return enough

    def flush(self) -> None:
        """Hand out what waits, of all groups; whoever gets some may call it again."""
        while self._waiting:
            self._waiting.popleft().flush()

    def of_topic(self, tenant: str, topic: str) -> list[Follower]:
        """Who follows this topic by its name."""
        groups = self._topics.get(tenant, {}).get(topic, ())
        return [follower for group in groups for follower in group.members]

    def everybody(self) -> list[Follower]:
        return [follower for group in self._groups.values() for follower in group.members]

    def _add(self, group: Group, entry: Entry) -> bool:
        if group.add(entry):
            if not self._waiting:
                asyncio.get_running_loop().call_soon(self.flush)
            self._waiting.append(group)
        if group.full:
            group.flush()
            return True
        return False
