"""History of several owners, merged up to where the stream takes over."""

import asyncio
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tidemill_contracts.catalogue import encode
from tidemill_contracts.event import Event
from tidemill_contracts.identity import Principal, Role, UserDisabled
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.job_events import JobQueued
from tidemill_contracts.log import AskEvents, Cursor, RecordedEvent
from tidemill_contracts.log import History as Answer
from tidemill_kit.errors import NotFound
from tidemill_notifier.history import OWNERS, History, HistoryForgotten
from tidemill_notifier.selection import Selection

TENANT, JOB = uuid7(), uuid7()
ORIGIN = Cursor(0, 0)

type Books = dict[str, list[tuple[Event, Cursor | None]]]


class Reading:
    """Answers questions out of lists of events, as owners do out of their tables."""

    def __init__(
        self, books: Books, complete_to: Cursor, *, page: int = 3, complete_from: Cursor = ORIGIN
    ) -> None:
        self._books = books
        self._complete_from = complete_from
        self._complete_to = complete_to
        self._page = page

    async def ask(self, owner: str, request: AskEvents) -> Answer:
        await asyncio.sleep(0)
        rows = self._books.get(owner, [])
        if request.key is not None:
            rows = [row for row in rows if row[0].key == request.key]
            found = [row for row in rows if row[0].seq > request.after_seq]
            return self._answer(found, known=bool(rows))
        after = request.after or ORIGIN
        return self._answer([row for row in rows if row[1] and row[1] > after], known=True)

    def _answer(self, rows: list[tuple[Event, Cursor | None]], *, known: bool) -> Answer:
        items = [RecordedEvent(e.subject, Raw(encode(e)), c) for e, c in rows[: self._page]]
        return Answer(
            items=items,
            complete_from=self._complete_from,
            complete_to=self._complete_to,
            known=known,
        )


def of_job(seq: int, job: UUID = JOB) -> Event:
    return JobQueued(tenant_id=TENANT, seq=seq, job_id=job)


def of_user(seq: int) -> Event:
    return UserDisabled(tenant_id=TENANT, seq=seq, user_id=uuid7())


def selection(*topics: str) -> Selection:
    return Selection(Principal(uuid7(), TENANT, Role.ADMIN, uuid7(), now()), topics)


async def read(history: History, at_least: Cursor) -> list[Cursor]:
    await history.open(at_least)
    found = list[Cursor]()
    while page := await history.page(2):
        found += [entry.cursor for entry in page]
    return found


async def test_events_of_a_thing_end_where_not_all_is_recorded() -> None:
    rows = [(of_job(n), Cursor(1, 10 * n)) for n in range(1, 8)]
    reading = Reading({"jobs": [*rows, (of_job(8), None)]}, Cursor(1, 45))

    history = History(reading.ask, selection(f"job.{JOB}"), ORIGIN)
    found = await read(history, Cursor(1, 0))

    assert found == [Cursor(1, 10), Cursor(1, 20), Cursor(1, 30), Cursor(1, 40)]
    assert history.join == Cursor(1, 45)


async def test_what_nobody_knows_is_not_found() -> None:
    history = History(Reading({}, ORIGIN).ask, selection(f"job.{JOB}"), ORIGIN)

    with pytest.raises(NotFound):
        await history.open(ORIGIN)


async def test_history_goes_at_least_to_where_the_stream_begins() -> None:
    reading = Reading({"jobs": [(of_job(1), Cursor(1, 5)), (of_job(2), Cursor(2, 5))]}, ORIGIN)

    history = History(reading.ask, selection("all"), ORIGIN)
    found = await read(history, Cursor(2, 3))

    assert found == [Cursor(1, 5)]
    assert history.join == Cursor(2, 3)


async def test_a_cursor_behind_which_events_were_forgotten_is_refused() -> None:
    reading = Reading(
        {"jobs": [(of_job(1), Cursor(1, 9))]}, Cursor(1, 9), complete_from=Cursor(1, 5)
    )

    with pytest.raises(HistoryForgotten) as refused:
        await History(reading.ask, selection("all"), Cursor(1, 4)).open(ORIGIN)

    assert refused.value.resume == Cursor(1, 5)


@pytest.mark.parametrize("after", [ORIGIN, Cursor(1, 5)], ids=["the start", "where it is whole"])
async def test_from_where_nothing_is_missing_history_goes_on(after: Cursor) -> None:
    reading = Reading(
        {"jobs": [(of_job(1), Cursor(1, 9))]}, Cursor(1, 9), complete_from=Cursor(1, 5)
    )

    found = await read(History(reading.ask, selection("all"), after), ORIGIN)

    assert found == [Cursor(1, 9)]


async def test_history_of_all_begins_behind_the_cursor_and_crosses_epochs() -> None:
    books: Books = {
        "jobs": [(of_job(1), Cursor(1, 1)), (of_job(2), Cursor(1, 9)), (of_job(3), Cursor(2, 1))],
        "identity": [(of_user(1), Cursor(1, 4)), (of_user(2), Cursor(2, 2))],
    }
    reading = Reading(books, Cursor(2, 2))

    found = await read(History(reading.ask, selection("all"), Cursor(1, 1)), Cursor(2, 0))

    assert found == [Cursor(1, 4), Cursor(1, 9), Cursor(2, 1), Cursor(2, 2)]


@given(
    owners=st.lists(st.sampled_from(OWNERS), min_size=1, max_size=60),
    after=st.integers(0, 60),
    complete_to=st.integers(0, 70),
    page=st.integers(1, 5),
)
def test_owners_are_merged_without_hole_or_repetition(
    owners: list[str],
    after: int,
    complete_to: int,
    page: int,
) -> None:
    books: Books = {owner: [] for owner in OWNERS}
    for position, owner in enumerate(owners, 1):
        event = of_user(1) if owner == "identity" else of_job(position)
        books[owner].append((event, Cursor(1, position)))
    reading = Reading(books, Cursor(1, complete_to), page=page)

    topics = ("all", f"job.{JOB}") if "jobs" in owners else ("all",)
    history = History(reading.ask, selection(*topics), Cursor(1, after))
    found = asyncio.run(read(history, Cursor(1, 0)))

    upto = max(after, complete_to)
    wanted = [n for n in range(1, len(owners) + 1) if after < n <= upto]
    assert [cursor.position for cursor in found] == wanted
