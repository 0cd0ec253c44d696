"""Ids that sort by the time they were made."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tidemill_contracts.ids import moment_of, now, uuid7, uuid7_floor

MILLISECOND = timedelta(milliseconds=1)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - Hypothesis adds the zone
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = uuid7()

    assert made.version == 7
    assert made.variant == "specified in RFC 4122"


def test_an_id_tells_when_it_was_made() -> None:
    before = now()

    made = moment_of(uuid7())

    assert before <= made <= now()


@given(moments, moments)
def test_ids_sort_as_their_moments(one: datetime, other: datetime) -> None:
    assert (uuid7_floor(one) < uuid7_floor(other)) == (one < other)


@given(moments)
def test_a_floor_is_of_its_moment(moment: datetime) -> None:
    assert moment_of(uuid7_floor(moment)) == moment


def test_an_id_lies_between_the_floors_around_it() -> None:
    made = uuid7()

    assert uuid7_floor(moment_of(made) - MILLISECOND) < made
    assert made < uuid7_floor(moment_of(made) + 2 * MILLISECOND)
