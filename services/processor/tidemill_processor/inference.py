"""The types of staged columns, from every value of the file, and the frame they make."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from tidemill_processor.staging import Kind, Staged

if TYPE_CHECKING:
    import polars as pl

Type = Literal["null", "bool", "int64", "float64", "date", "datetime", "datetime_utc", "string"]

COLUMNS_AT_ONCE = 100
EXACT = 2**53

# Fifteen digits at most and no leading zero: what is longer or padded is an id, not a quantity,
# unless a decimal point says otherwise.
TIME = r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
WHOLE = r"(?:0|[1-9][0-9]{0,14})"
PATTERNS = {
    "bool": r"^(?i:true|false)$",
    "int": rf"^-?{WHOLE}$",
    "float": rf"^-?(?:(?:{WHOLE}|(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?"
    r"|(?i:nan|inf|infinity))$",
    "iso_date": r"^[0-9]{4}([-/])[0-9]{2}[-/][0-9]{2}$",
    "month_first": r"^[A-Z][a-z]{2} [0-9]{1,2} [0-9]{4}$",
    "day_first": r"^[0-9]{1,2}[ -][A-Z][a-z]{2}[ -][0-9]{4}$",
    "local": rf"^[0-9]{{4}}[-/][0-9]{{2}}[-/][0-9]{{2}}{TIME}$",
    "zoned": rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{TIME}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})$",
}
FLOATS: tuple[set[Kind], ...] = ({"float"}, {"int", "float"})
NAMED_MONTHS = {"month_first": "%b %d %Y", "day_first": "%d %b %Y"}
MISSING = ("NA", "N/A", "n/a", "#N/A", "NULL", "null", "None")


class Found(Struct, frozen=True):
    """A column's type and how its text is read."""

    type: Type
    reading: str = ""


def typed(staged: Staged) -> tuple["pl.LazyFrame", dict[str, Found]]:
    """The staged rows as a lazy frame of typed columns.

    null, bool, int64, float64, date, datetime and string, the first that holds every value without
    loss. In CSV an empty cell is null, and NA, NULL and the like are null in columns where all
    else is of another type than string. JSON's own types stand: its strings become dates and times
    at most, and nested values are strings of JSON.
    """
    frame = _staged_frame(staged)
    found: dict[str, Found] = {}
    names = list(staged.kinds)
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        batch = {name: staged.kinds[name] for name in names[start : start + COLUMNS_AT_ONCE]}
        candidates = _candidates(frame, batch)
        found |= _verified(frame, candidates, batch)
    return frame.select(_read(name, found[name], staged.kinds[name]) for name in names), found


def _staged_frame(staged: Staged) -> "pl.LazyFrame":
    import polars as pl

    schema = dict.fromkeys(staged.kinds, pl.String)
    return pl.scan_parquet(staged.files, schema=schema, missing_columns="insert", glob=False)


def _word(name: str, kinds: set[Kind]) -> "pl.Expr":
    """The cell without blanks around it; null where nothing is said."""
    import polars as pl

    text = pl.col(name)
    if "text" not in kinds:
        return text
    text = text.str.strip_chars()
    return pl.when((text != "") & ~text.is_in(MISSING)).then(text)


def _candidates(frame: "pl.LazyFrame", batch: dict[str, set[Kind]]) -> dict[str, Found]:
    """The type that the looks of all values allow."""
    wanted = {name: _patterns(kinds) for name, kinds in batch.items()}
    counted = frame.select(
        expression
        for name, kinds in batch.items()
        for expression in (
            _word(name, kinds).count().alias(f"{name}\0all"),
            *(
                _word(name, kinds).str.contains(PATTERNS[pattern]).sum().alias(f"{name}\0{pattern}")
                for pattern in wanted[name]
            ),
        )
    ).collect(engine="streaming")
    return {
        name: _by_looks(
            batch[name],
            {each: counted.item(0, f"{name}\0{each}") for each in ("all", *wanted[name])},
        )
        for name in batch
    }


def _patterns(kinds: set[Kind]) -> tuple[str, ...]:
    if kinds == {"text"}:
        return tuple(PATTERNS)
    return tuple(PATTERNS)[3:] if kinds == {"string"} else ()


def _by_looks(kinds: set[Kind], counts: dict[str, int]) -> Found:
    total = counts["all"]
    timed = counts.get("local", 0) + counts.get("iso_date", 0)
    offered = (
        (total == 0, Found("null")),
        (kinds == {"bool"} or counts.get("bool") == total, Found("bool")),
        (kinds == {"int"} or counts.get("int") == total, Found("int64")),
        (kinds in FLOATS or counts.get("float") == total, Found("float64")),
        *((counts.get(one) == total, Found("date", one)) for one in ("iso_date", *NAMED_MONTHS)),
        (counts.get("zoned") == total, Found("datetime_utc")),
        (timed == total, Found("datetime")),
    )
    return next((found for fits, found in offered if fits), Found("string"))


def _verified(
    frame: "pl.LazyFrame", candidates: dict[str, Found], batch: dict[str, set[Kind]]
) -> dict[str, Found]:
    """The candidates that lose no value when read; the others are strings."""
    import polars as pl

    doubtful = {name: one for name, one in candidates.items() if one.type not in ("null", "string")}
    if not doubtful:
        return candidates
    lost = frame.select(
        pl.any_horizontal(*_losses(name, found, batch[name])).any().alias(name)
        for name, found in doubtful.items()
    ).collect(engine="streaming")
    return candidates | {name: Found("string") for name in doubtful if lost.item(0, name)}


def _losses(name: str, found: Found, kinds: set[Kind]) -> Iterator["pl.Expr"]:
    import polars as pl

    word, read = _word(name, kinds), _read(name, found, kinds)
    yield word.is_not_null() & read.is_null()
    if found.type == "float64":
        yield read.is_infinite() & word.str.contains("[0-9]")
        if "int" in kinds:
            whole = word.str.contains(r"^-?[0-9]+$")
            yield whole & (pl.col(name).cast(pl.Float64, strict=False).abs() >= EXACT)


def _read(name: str, found: Found, kinds: set[Kind]) -> "pl.Expr":
    """The typed column; null where the text cannot be read so."""
    import polars as pl

    word = _word(name, kinds)
    match found.type:
        case "bool":
            return (word.str.to_lowercase() == "true").alias(name)
        case "int64":
            return word.cast(pl.Int64, strict=False).alias(name)
        case "float64":
            return word.cast(pl.Float64, strict=False).alias(name)
        case "date":
            return _date(word, found.reading).alias(name)
        case "datetime" | "datetime_utc":
            return _datetime(word, zoned=found.type == "datetime_utc").alias(name)
        case _:
            empty = pl.col(name) == "" if "text" in kinds else pl.lit(value=False)
            return pl.when(~empty).then(pl.col(name)).alias(name)


def _date(word: "pl.Expr", reading: str) -> "pl.Expr":
    form = NAMED_MONTHS.get(reading, "%Y-%m-%d")
    return word.str.replace_all("[-/]", "-" if reading == "iso_date" else " ").str.to_date(
        form, strict=False
    )


def _datetime(word: "pl.Expr", *, zoned: bool) -> "pl.Expr":
    """Seconds and the time of day may be left out; with a zone the result is in UTC."""
    import polars as pl

    day = word.str.slice(0, 10).str.replace_all("/", "-", literal=True)
    clock = word.str.slice(11).str.extract(r"^([0-9:.]+)", 1).fill_null("00:00")
    clock = pl.when(clock.str.len_bytes() == len("00:00")).then(clock + ":00").otherwise(clock)
    text = day + " " + clock
    if not zoned:
        return text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    zone = word.str.extract(r"(Z|[+-][0-9]{2}:?[0-9]{2})$", 1).str.replace("Z", "+0000")
    return (text + zone.str.replace(":", "", literal=True)).str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f%z", time_unit="us", strict=False
    )
