"""What an attempt says is numbered, shown and kept, within bounds."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tidemill_contracts.lines import MAX_ATTEMPT_BYTES, Level, LineStream, LiveLines, LogLine
from tidemill_processor.remarks import MARK, encode
from tidemill_processor.transcript import SHOWN_LINES, Transcript


def kept(transcript: Transcript) -> list[LogLine]:
    """All that is there to keep, to the end."""
    transcript.end()
    while transcript.waiting:
        transcript.take()
    transcript.close()
    lines: list[LogLine] = []
    while segment := transcript.segment():
        lines += [msgspec.json.decode(line, type=LogLine) for line in segment]
    return lines


def shown(transcript: Transcript) -> tuple[list[LogLine], int]:
    """What is to be shown now, and how much more was said."""
    live = msgspec.json.decode(transcript.shown() or b'{"lines":[]}', type=LiveLines)
    return [msgspec.json.decode(line, type=LogLine) for line in live.lines], live.skipped


def test_streams_have_their_names_and_levels() -> None:
    transcript = Transcript(2, ["a"])

    transcript.hear(LineStream.STDOUT, b"out\n")
    transcript.hear(LineStream.STDERR, b"err\n")
    transcript.hear(LineStream.LOG, encode("a", Level.DEBUG, "log", {"n": 1}))

    lines = {line.stream: line for line in kept(transcript)}
    assert lines[LineStream.STDOUT].level is Level.INFO
    assert lines[LineStream.STDERR].level is Level.WARNING
    assert lines[LineStream.LOG].level is Level.DEBUG
    assert lines[LineStream.LOG].fields == {"n": 1}
    assert {line.attempt for line in lines.values()} == {2}
    assert sorted(line.number for line in lines.values()) == [1, 2, 3]


def test_a_line_without_an_end_ends_with_its_step() -> None:
    transcript = Transcript(1, ["a", "b"])

    transcript.hear(LineStream.STDOUT, b"of a" + MARK + b"of b" + MARK + b"late")

    assert [(line.step, line.text) for line in kept(transcript)] == [
        ("a", "of a"),
        ("b", "of b"),
        ("b", "late"),
    ]


@given(st.lists(st.sampled_from([b"x", b"\n", b"\0", MARK[:5], MARK]), max_size=12), st.data())
def test_a_mark_is_seen_however_the_bytes_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    printed = b"".join(parts)
    whole, cut = Transcript(1, "abc"), Transcript(1, "abc")
    places = data.draw(st.lists(st.integers(0, len(printed)), max_size=4).map(sorted))

    whole.hear(LineStream.STDERR, printed)
    for start, end in pairwise([0, *places, len(printed)]):
        cut.hear(LineStream.STDERR, printed[start:end])

    expected = [(line.step, line.text) for line in kept(whole)]
    assert [(line.step, line.text) for line in kept(cut)] == expected
    assert MARK.decode() not in "".join(text for _, text in expected)


def test_a_remark_belongs_to_its_step_whenever_it_comes() -> None:
    transcript = Transcript(1, ["a", "b"])

    transcript.hear(LineStream.LOG, encode("b", Level.INFO, "of b", {}))
    transcript.hear(LineStream.LOG, encode("a", Level.INFO, "of a", {}))

    assert [(line.step, line.text) for line in kept(transcript)] == [("b", "of b"), ("a", "of a")]


def test_what_is_no_text_is_text_all_the_same() -> None:
    transcript = Transcript(1, ["a"])

    transcript.hear(LineStream.STDOUT, b"\xff\xfe \0 \xc3\n")
    transcript.hear(LineStream.LOG, b"not a remark\n")

    texts = [line.text for line in kept(transcript)]
    assert texts == ["\ufffd\ufffd \0 \ufffd", "not a remark"]


def test_all_is_shown_while_it_is_little() -> None:
    transcript = Transcript(1, ["a"])
    transcript.hear(LineStream.STDOUT, b"1\n2\n")
    transcript.take()
    first = shown(transcript)
    transcript.hear(LineStream.STDOUT, b"3\n")
    transcript.take()

    second = shown(transcript)

    assert ([line.text for line in first[0]], first[1]) == (["1", "2"], 0)
    assert ([line.text for line in second[0]], second[1]) == (["3"], 0)
    assert transcript.shown() is None


def test_of_much_the_newest_is_shown_and_the_rest_counted() -> None:
    transcript = Transcript(1, ["a"])
    transcript.hear(LineStream.STDOUT, b"".join(b"%d\n" % n for n in range(1_500)))

    transcript.take()

    lines, skipped = shown(transcript)
    assert lines[-1].text == "1499"
    assert (len(lines), skipped) == (SHOWN_LINES, 1_500 - SHOWN_LINES)


def test_of_more_than_fits_the_beginning_and_the_end_are_kept() -> None:
    transcript = Transcript(1, ["a"])
    lines = 40_000
    for start in range(0, lines, 100):
        chunk = b"".join(b"line %d\n" % n for n in range(start, start + 100))
        transcript.hear(LineStream.STDOUT, chunk)
        transcript.take()

    found = kept(transcript)

    (gap,) = [line for line in found if line.left_out]
    before, after = found[: found.index(gap)], found[found.index(gap) + 1 :]
    assert [line.text for line in before] == [f"line {n}" for n in range(len(before))]
    assert [line.text for line in after] == [f"line {n}" for n in range(lines - len(after), lines)]
    assert gap.left_out == lines - len(before) - len(after)
    assert gap.text == f"{gap.left_out} lines left out"
    assert (gap.number, after[0].number, found[-1].number) == (
        lines - len(after),
        lines - len(after) + 1,
        lines,
    )
    size = sum(len(msgspec.json.encode(line)) for line in found)
    assert 0.95 * MAX_ATTEMPT_BYTES < size < MAX_ATTEMPT_BYTES + 1_000


def test_a_flood_that_nobody_looked_at_is_counted_to_the_last_line() -> None:
    transcript = Transcript(1, ["a"])
    for _ in range(300):
        transcript.hear(LineStream.STDOUT, b"y\n" * 32_768)

    found = kept(transcript)

    assert found[-1].number == 300 * 32_768
    assert sum(line.left_out or 1 for line in found) == 300 * 32_768
    assert len(found) < 10_000


def test_one_that_says_nothing_keeps_nothing() -> None:
    transcript = Transcript(1, ["a"])

    transcript.hear(LineStream.STDOUT, MARK)

    assert kept(transcript) == []
    assert transcript.shown() is None
