"""What a column of text may be, and how its text is read."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["text", "string", "bool", "int", "float", "list", "nested"]
Class = Literal[
    "null", "missing", "bool", "int", "bigint", "float", "iso_date", "month_first", "day_first",
    "slashed", "date_dmy", "date_mdy", "local", "timed", "zoned", "list", "string",
]  # fmt: skip

EXACT = 2**53
FEW = 1_000

# Fifteen digits at most and no leading zero: what is longer or padded is an id, not a quantity,
# unless a decimal point says otherwise.
TIME = r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
WHOLE = r"(?:0|[1-9][0-9]{0,14})"
ANY = r"(?:0|[1-9][0-9]*)"
POWER = r"[eE][+-]?[0-9]+"
COMMA = (
    rf"^\s*[+-]?(?:(?:[0-9]+(?:,[0-9]*)?|,[0-9]+)(?:{POWER})?"
    r"|[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]*)?)\s*$"
)
POINT = rf"^\s*[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:{POWER})?\s*$"
PATTERNS: dict[Class, str] = {
    "bool": r"(?i:true|false)",
    "int": r"0|-?[1-9][0-9]{0,14}",
    "float": rf"-?(?:{WHOLE}|{ANY}{POWER}|(?:{ANY}\.[0-9]*|\.[0-9]+)(?:{POWER})?"
    r"|(?i:nan|inf|infinity))",
    "iso_date": r"[0-9]{4}(?:-[0-9]{2}-|/[0-9]{2}/)[0-9]{2}",
    "month_first": r"[A-Z][a-z]{2} [0-9]{1,2} [0-9]{4}",
    "day_first": r"[0-9]{1,2}[ -][A-Z][a-z]{2}[ -][0-9]{4}",
    "slashed": r"[0-9]{1,2}(?:/[0-9]{1,2}/|-[0-9]{1,2}-|\.[0-9]{1,2}\.)[0-9]{4}",
    "local": rf"[0-9]{{4}}[-/][0-9]{{2}}[-/][0-9]{{2}}{TIME}",
    "timed": rf"[0-9]{{4}}[-/][0-9]{{2}}[-/][0-9]{{2}}(?:{TIME})?",
    "zoned": rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{TIME}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})",
}
# JSON says itself what is a number; only its strings may be more than they seem
LOOKS: tuple[Class, ...] = tuple(PATTERNS)
TIMES = LOOKS[3:]
NAMED_MONTHS = {"month_first": "%b %d %Y", "day_first": "%d %b %Y"}
SLASHED = {"date_dmy": "%d %m %Y", "date_mdy": "%m %d %Y"}
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "None")
YES = ("true", "t", "yes", "y", "1")
NO = ("false", "f", "no", "n", "0")
TYPES = {
    "null": "null", "missing": "null", "bool": "bool", "int": "int64", "bigint": "int64",
    "float": "float64", "iso_date": "date", "month_first": "date", "day_first": "date",
    "date_dmy": "date", "date_mdy": "date", "local": "datetime", "timed": "datetime",
    "zoned": "datetime", "list": "list",
}  # fmt: skip


def join(one: Class, other: Class) -> Class:
    """The narrowest class that holds what both hold."""
    pair = {one, other}
    if other in (one, "null"):
        return one
    if one == "null":
        return other
    if "missing" in pair:
        return other if one == "missing" else one
    if pair <= {"int", "float"}:
        return "float"
    if pair <= {"int", "bigint"}:
        return "bigint"
    return "timed" if pair <= {"iso_date", "local", "timed"} else "string"


def words(cells: "pl.Series") -> "pl.Series":
    """The cells without blanks around them; null where nothing is said, as `NA` says."""
    import polars as pl

    text = pl.col(cells.name).str.strip_chars()
    return cells.to_frame().select(pl.when(~text.is_in(MISSING)).then(text)).to_series()


def pointed(cells: "pl.Series") -> "pl.Series":
    """Numbers with a decimal comma as all numbers are read: `1.234,5` is 1234.5.

    What only a decimal point makes a number gets a comma, so that it is none.
    """
    import polars as pl

    if not cells.str.contains("[,.]").any():
        return cells
    text = pl.col(cells.name)
    number = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    spelt = pl.when(text.str.contains(COMMA)).then(number)
    other = spelt.when(text.str.contains(POINT)).then(text.str.replace(".", ",", literal=True))
    return cells.to_frame().select(other.otherwise(text)).to_series().alias(cells.name)


def fits(cells: "pl.Series", kind: Class, *, empty: bool = False) -> bool:
    """Whether every cell that is not null looks like this class; `empty` ones may be allowed."""
    return cells.str.contains(rf"^(?:{'|' if empty else ''}{PATTERNS[kind]})$").all()


def classify(said: "pl.Series", kinds: set[Kind]) -> Class:
    """The narrowest class whose looks and reading lose no value."""
    if said.null_count() == len(said):
        return "null"
    if kinds <= {"text", "string"}:
        likely = _look(said, LOOKS if kinds == {"text"} else TIMES)
    else:
        likely = _of_json(said, kinds)
    return likely if likely in ("string", "list") or _whole(said, likely, kinds) else "string"


def _look(said: "pl.Series", offered: tuple[Class, ...]) -> Class:
    few = said.drop_nulls().head(FEW)
    for each in offered:
        if fits(few, each) and fits(said, each):
            return each
    return "string"


def _of_json(said: "pl.Series", kinds: set[Kind]) -> Class:
    import polars as pl

    if kinds == {"int"}:
        large = said.cast(pl.Float64).abs() >= EXACT
        return "bigint" if large.any() else "int"
    if kinds <= {"int", "float"}:
        return "float"
    return "bool" if kinds == {"bool"} else "list" if kinds == {"list"} else "string"


def _whole(said: "pl.Series", kind: Class, kinds: set[Kind]) -> bool:
    """Whether reading loses nothing: no date that is none, no number beyond all floats."""
    import polars as pl

    if kind == "slashed":
        return True
    read = reading(said, kind)
    if read.null_count() > said.null_count():
        return False
    if kind != "float":
        return True
    if said.filter(read.is_infinite()).str.contains("[0-9]").any():
        return False
    whole = said.filter(said.str.contains(r"^-?[0-9]+$")) if "int" in kinds else said.clear()
    return not (whole.cast(pl.Float64).abs() >= EXACT).any()


def reading(said: "pl.Series", kind: Class) -> "pl.Series":
    """The values of a class; null where the text cannot be read so."""
    import polars as pl

    if kind in ("null", "missing"):
        return pl.repeat(None, len(said), dtype=pl.Null, eager=True).alias(said.name)
    return said.to_frame().select(_read(said.name, kind).alias(said.name)).to_series()


def lenient(said: "pl.Series", asked: str) -> "pl.Series":
    """The values of a type that somebody asked for: ids lose their zeros, `yes` is true."""
    import polars as pl

    text = pl.col(said.name)
    match asked:
        case "bool":
            low = text.str.to_lowercase()
            read = pl.when(low.is_in(YES)).then(statement=True)
            expression = read.when(low.is_in(NO)).then(statement=False)
        case "float64":
            value = text.cast(pl.Float64, strict=False)
            boundless = value.is_infinite() & text.str.contains("[0-9]")
            expression = pl.when(~boundless).then(value)
        case "int64":
            expression = text.cast(pl.Int64, strict=False)
        case "date":
            forms: tuple[Class, ...] = ("iso_date", "month_first", "day_first")
            expression = pl.coalesce(_read(said.name, each) for each in forms)
        case "datetime":
            expression = pl.coalesce(
                _read(said.name, "timed"),
                _read(said.name, "zoned").dt.replace_time_zone(None),
            )
        case "date_dmy" | "date_mdy":
            expression = _read(said.name, asked)
        case _:
            expression = text
    return said.to_frame().select(expression.alias(said.name)).to_series()


def _read(name: str, kind: Class) -> "pl.Expr":
    import polars as pl

    word = pl.col(name)
    match kind:
        case "bool":
            return word.str.to_lowercase() == "true"
        case "int" | "bigint":
            return word.cast(pl.Int64, strict=False)
        case "float":
            return word.cast(pl.Float64, strict=False)
        case "iso_date" | "month_first" | "day_first" | "date_dmy" | "date_mdy":
            return _date(word, kind)
        case "local" | "timed" | "zoned":
            return _datetime(word, zoned=kind == "zoned")
        case _:
            return word


def _date(word: "pl.Expr", kind: Class) -> "pl.Expr":
    form = (NAMED_MONTHS | SLASHED).get(kind)
    if form is None:
        return word.str.replace_all("/", "-", literal=True).str.to_date("%Y-%m-%d", strict=False)
    return word.str.replace_all("[-/.]", " ").str.to_date(form, strict=False)


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
