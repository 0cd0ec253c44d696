"""The newest events of the log in memory, each encoded once for everybody who reads it."""

import msgspec
import structlog
from msgspec import Struct

from tidemill_contracts.log import Cursor
from tidemill_notifier.selection import Selection

log = structlog.get_logger()
_TENANT = slice(len("tm.event."), len("tm.event.") + 32)
_FACT = slice(_TENANT.stop + 1, None)
_EVENT = b'"event":'
_SCANNED_AT_ONCE = 4_096


class _OfJob(Struct):
    job_id: str


class _OfDataset(Struct):
    dataset_id: str


class _JobItem(Struct):
    event: _OfJob


class _DatasetItem(Struct):
    event: _OfDataset


_decode_job = msgspec.json.Decoder(_JobItem).decode
_decode_dataset = msgspec.json.Decoder(_DatasetItem).decode


class Entry:
    """An event at its place in the log; `item` is how sockets and pages carry it."""

    __slots__ = ("_topic", "cursor", "item", "system", "tenant", "type")

    def __init__(self, cursor: Cursor, subject: str, body: bytes) -> None:
        fact = subject[_FACT]
        self.cursor = cursor
        self.tenant = subject[_TENANT]
        self.system = fact.endswith(".system")
        self.type = fact[:-7] if self.system else fact
        self.item = b'{"cursor":"%d.%d",%b%b}' % (cursor.epoch, cursor.position, _EVENT, body)
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
        return self.item[self.item.index(_EVENT) + len(_EVENT) : -1]

    def _read_topic(self) -> str:
        try:
            if self.type.startswith("job."):
                return f"job.{_decode_job(self.item).event.job_id}"
            if self.type.startswith("dataset."):
                return f"dataset.{_decode_dataset(self.item).event.dataset_id}"
        except msgspec.DecodeError:
            log.exception("event.unreadable", cursor=str(self.cursor), type=self.type)
        return ""


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
