"""The newest events of the log in memory, each encoded once for everybody who reads it."""

import msgspec
from msgspec import Struct

from tidemill_contracts.log import Cursor
from tidemill_notifier.selection import Selection

_TENANT = slice(len("tm.event."), len("tm.event.") + 32)
_FACT = slice(_TENANT.stop + 1, None)
_SCANNED_AT_ONCE = 4_096


class _Keys(Struct):
    job_id: str = ""
    dataset_id: str = ""


class _Item(Struct):
    event: _Keys


_keys = msgspec.json.Decoder(_Item)


class Entry:
    """An event at its place in the log; `item` is how sockets and pages carry it."""

    __slots__ = ("_topic", "cursor", "item", "system", "tenant", "type")

    def __init__(self, cursor: Cursor, subject: str, body: bytes) -> None:
        fact = subject[_FACT]
        self.cursor = cursor
        self.tenant = subject[_TENANT]
        self.system = fact.endswith(".system")
        self.type = fact[:-7] if self.system else fact
        self.item = b'{"cursor":"%d.%d","event":%b}' % (cursor.epoch, cursor.position, body)
        self._topic: str | None = None

    @property
    def topic(self) -> str:
        """The topic of the thing that this event is about; empty where there is none."""
        if self._topic is None:
            self._topic = self._read_topic()
        return self._topic

    @property
    def body(self) -> bytes:
        """The event as it was published."""
        return self.item[self.item.index(b'"event":') + 8 : -1]

    def _read_topic(self) -> str:
        context = self.type.partition(".")[0]
        if context not in {"job", "dataset"}:
            return ""
        try:
            keys = _keys.decode(self.item).event
        except msgspec.DecodeError:
            return ""
        return f"{context}.{keys.job_id if context == 'job' else keys.dataset_id}"


class Page(Struct, frozen=True):
    """Some entries in order; everything up to `upto` has been looked at."""

    entries: list[Entry]
    upto: int


class Ring:
    """Every event in (floor, head] of one epoch; positions in it are contiguous."""

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self.epoch = 0
        self.floor = 0
        self.head = 0
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: dict[int, Entry] = {}

    def reset(self, cursor: Cursor) -> None:
        """Start anew behind this cursor."""
        self.epoch, self.floor, self.head = cursor.epoch, cursor.position, cursor.position
        self._entries, self._bytes = {}, 0

    def append(self, entry: Entry) -> None:
        """Add the next event; the oldest ones make room for it."""
        self.head += 1
        if entry.cursor != Cursor(self.epoch, self.head):
            raise ValueError(f"{entry.cursor} does not follow {self.epoch}.{self.head - 1}")
        self._entries[self.head] = entry
        self._bytes += len(entry.item)
        while self._bytes > self._max_bytes or self.head - self.floor > self._max_events:
            self.floor += 1
            self._bytes -= len(self._entries.pop(self.floor).item)

    def covers(self, cursor: Cursor) -> bool:
        """Whether nothing between this cursor and the head is missing here."""
        return cursor.epoch == self.epoch and cursor.position >= self.floor

    def page(self, after: int, selection: Selection, limit: int) -> Page:
        """The next selected entries behind a covered position; looks at a bounded number."""
        found = list[Entry]()
        upto = max(after, self.floor)
        last = min(self.head, upto + _SCANNED_AT_ONCE)
        while upto < last and len(found) < limit:
            upto += 1
            entry = self._entries[upto]
            if selection.wants(entry):
                found.append(entry)
        return Page(found, upto)
