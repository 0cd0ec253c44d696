"""The package's processors, checked and run in a real child process."""

from tidemill_example_processors.weather import warmest_days
from tidemill_example_processors.words import count_words
from tidemill_processor.testing import check, try_out

DAYS = {"day": ["mon", "tue", "wed"], "temperature": [11.0, None, 19.5]}


def test_they_keep_what_every_processor_must() -> None:
    check(count_words, "the tide turns the mill")
    check(warmest_days, DAYS)


def test_words_are_counted() -> None:
    tried = try_out(count_words, "The tide turns the mill.", {"at_least": 3})

    assert tried.value == {"the": 2, "tide": 1, "turns": 1, "mill": 1}


def test_the_warmest_days_stay() -> None:
    tried = try_out(warmest_days, DAYS, {"share": 1})

    assert tried.value == 19.5
    assert tried.frame["day"].to_list() == ["wed"]
