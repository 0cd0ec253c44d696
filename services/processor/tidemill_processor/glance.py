"""Whether a column still is of its class so far, told without a pattern for each cell."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tidemill_processor.inference import Class, fits

if TYPE_CHECKING:
    import polars as pl

LONGEST = 10**15
DAY = len("2024-01-31")
SECOND = len("2024-01-31 23:59:59")
SPELT = (("true", "false"), ("True", "False"), ("TRUE", "FALSE"))


def glance(cells: "pl.Series", kind: Class) -> "pl.Series | None":
    """The values of text, null where it is empty; None where only a closer look can tell.

    It is the reading that tells: what cannot be read is null, and what can be read but is no number
    to us (an id with zeros before it, or too long) is looked for among the few that it may be.
    """
    look = GLANCES.get(kind)
    return look(cells, cells.null_count() + int((cells == "").sum())) if look else None


def _int(cells: "pl.Series", empty: int) -> "pl.Series | None":
    import polars as pl

    read = cells.cast(pl.Int64, strict=False)
    if read.null_count() != empty or not _short(read):
        return None
    # before "1" come zero, signs and zeros before others
    odd = cells.filter((cells < "1") & (cells != "0") & (cells != ""))
    return read if fits(odd, "int") else None


def _float(cells: "pl.Series", empty: int) -> "pl.Series | None":
    import polars as pl

    read = cells.cast(pl.Float64, strict=False)
    if read.null_count() != empty or not _short(read):
        return None
    odd = cells.filter((cells < "1") & (cells != "") & ~cells.str.starts_with("0."))
    return read if fits(odd, "float") else None


def _short(read: "pl.Series") -> bool:
    """Whether no number is so large that its text may be an id."""
    most, least = read.max(), read.min()
    if most is None or least is None:
        return True
    return (
        isinstance(most, int | float)
        and isinstance(least, int | float)
        and (least > -LONGEST and most < LONGEST)
    )


def _bool(cells: "pl.Series", empty: int) -> "pl.Series | None":
    for yes, no in SPELT:
        true = cells == yes
        if int(true.sum()) + int((cells == no).sum()) + empty == len(cells):
            return true.set(cells == "", None) if empty else true
    return None


def _date(cells: "pl.Series", empty: int) -> "pl.Series | None":
    if int((cells.str.len_bytes() == DAY).sum()) + empty != len(cells):
        return None
    read = cells.str.to_date("%Y-%m-%d", strict=False, cache=False)
    return read if read.null_count() == empty else None


def _time(cells: "pl.Series", empty: int) -> "pl.Series | None":
    if int((cells.str.len_bytes() == SECOND).sum()) + empty != len(cells):
        return None
    said = cells.filter(cells != "").head(1)
    between = said.str.slice(DAY, 1).to_list()
    if between not in (["T"], [" "]):
        return None
    read = cells.str.to_datetime(
        f"%Y-%m-%d{between[0]}%H:%M:%S", time_unit="us", strict=False, cache=False
    )
    return read if read.null_count() == empty else None


GLANCES: dict[Class, Callable[["pl.Series", int], "pl.Series | None"]] = {
    "int": _int, "float": _float, "bool": _bool, "iso_date": _date, "local": _time, "timed": _time,
}  # fmt: skip
