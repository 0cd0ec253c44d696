"""Bytes become lines, however they come and however many there are."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tidemill_contracts.lines import MAX_LINE_BYTES
from tidemill_processor.lines import MAX_WAITING_BYTES, Lines, Piece

EVERYTHING = 10**9
BYTES = st.binary(max_size=200) | st.lists(
    st.sampled_from([b"a", b"\r", b"\n", b"\r\n", "ü".encode(), b"\0", b"x" * 9_000])
).map(b"".join)


def pieces(lines: Lines) -> list[Piece]:
    lines.end(0, 0)
    return lines.take(EVERYTHING, EVERYTHING)


def texts(*chunks: bytes) -> list[bytes]:
    lines = Lines()
    for chunk in chunks:
        lines.feed(chunk, 0, 0)
    return [piece.text for piece in pieces(lines)]


def expected(printed: bytes) -> list[bytes]:
    """What a terminal would show of this, line by line."""
    found = [line.rstrip(b"\r").rpartition(b"\r")[2] for line in printed.split(b"\n")]
    return found if found[-1] else found[:-1]


def test_lines_end_at_newlines_and_the_last_one_need_not() -> None:
    assert texts(b"one\ntwo\r\n\nthree") == [b"one", b"two", b"", b"three"]


def test_of_a_progress_bar_the_last_state_is_left() -> None:
    assert texts(b"10 %\r", b"50 %\r", b"100 %\n", b"next\r") == [b"100 %", b"next"]


def test_a_character_that_comes_in_two_reads_is_whole() -> None:
    first, second = "Größe".encode()[:3], "Größe".encode()[3:]

    assert texts(first, second) == ["Größe".encode()]


def test_zero_bytes_are_a_part_of_their_line() -> None:
    assert texts(b"a\0b\n") == [b"a\0b"]


@given(BYTES, st.lists(st.integers(min_value=0, max_value=400), max_size=8))
def test_it_does_not_matter_how_the_bytes_are_cut(printed: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(printed)) for cut in cuts), len(printed)]
    chunks = [printed[start:end] for start, end in pairwise(places)]

    found = texts(*chunks)

    lines = expected(printed)
    assert len(found) == len(lines)
    for text, line in zip(found, lines, strict=True):
        assert line.startswith(text)
        assert len(text) >= min(len(line), MAX_LINE_BYTES - 3)


def test_a_line_of_100_mb_is_cut_and_says_by_how_much() -> None:
    lines = Lines()

    for _ in range(1_600):
        lines.feed(b"x" * 62_500, 0, 0)
    lines.feed(b"\nshort\n", 0, 0)

    long, short = pieces(lines)
    assert (len(long.text), long.more) == (MAX_LINE_BYTES, 100_000_000 - MAX_LINE_BYTES)
    assert (short.text, short.more) == (b"short", 0)


def test_a_cut_tears_no_character() -> None:
    lines = Lines()

    lines.feed(b"x" + "ü".encode() * MAX_LINE_BYTES + b"\n", 0, 0)

    (piece,) = pieces(lines)
    assert piece.text.decode() == "x" + "ü" * (MAX_LINE_BYTES // 2 - 1)


@given(st.lists(st.integers(min_value=1, max_value=60_000), min_size=1, max_size=60))
def test_every_line_is_taken_or_counted(sizes: list[int]) -> None:
    lines = Lines(most_bytes=200_000)
    for number, size in enumerate(sizes):
        lines.feed(b"%d\n" % number * (1 + size // 100), number, 0)

    found = pieces(lines)

    printed = sum(1 + size // 100 for size in sizes)
    assert sum(piece.lost or 1 for piece in found) == printed
    assert found[-1].text == b"%d" % (len(sizes) - 1)


def test_what_waits_is_bounded_also_where_it_is_empty_lines() -> None:
    lines = Lines()

    for number in range(1_000):
        lines.feed(b"\n" * 64 * 1024, number, 0)

    found = lines.take(EVERYTHING, EVERYTHING)
    assert found[0].lost == 1_000 * 64 * 1024 - (len(found) - 1)
    assert len(found) <= MAX_WAITING_BYTES + 1


def test_a_take_is_as_small_as_asked_for_and_the_next_goes_on() -> None:
    lines = Lines()
    lines.feed(b"1\n2\n3\n4\n", 0, 0)

    taken = [lines.take(3, EVERYTHING), lines.take(3, EVERYTHING), lines.take(3, EVERYTHING)]

    assert [[piece.text for piece in each] for each in taken] == [[b"1", b"2", b"3"], [b"4"], []]
    assert not lines.waiting


@given(st.lists(st.integers(min_value=0, max_value=9), max_size=20), st.integers(1, 100))
def test_of_what_waits_the_end_can_be_kept(counts: list[int], most: int) -> None:
    lines = Lines()
    printed = [b"%d.%d" % (block, line) for block, n in enumerate(counts) for line in range(n)]
    for block, count in enumerate(counts):
        chunk = b"".join(b"%d.%d\n" % (block, line) for line in range(count))
        lines.feed(chunk, block, 0)

    lines.keep_last(most)

    found = lines.take(EVERYTHING, EVERYTHING)
    assert [piece.text for piece in found if not piece.lost] == printed[-most:]
    assert sum(piece.lost or 1 for piece in found) == len(printed)


def test_lines_know_when_and_in_which_step_they_came() -> None:
    lines = Lines()

    lines.feed(b"a\nb", 1.5, 0)
    lines.end(2.5, 0)
    lines.feed(b"c\n", 2.5, 1)

    taken = lines.take(EVERYTHING, EVERYTHING)
    assert [(piece.at, piece.step, piece.text) for piece in taken] == [
        (1.5, 0, b"a"),
        (2.5, 0, b"b"),
        (2.5, 1, b"c"),
    ]
