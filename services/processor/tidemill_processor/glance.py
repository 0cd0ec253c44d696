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
    read = look(cells) if look else None
    if read is None or not read.null_count():
        return read
    return read if read.null_count() == cells.null_count() + int((cells == "").sum()) else None


def _int(cells: "pl.Series") -> "pl.Series | None":
    import polars as pl

    read = cells.cast(pl.Int64, strict=False)
    odd = _before_one(cells)
    return read if _short(read) and fits(odd.filter(odd != "0"), "int") else None


def _float(cells: "pl.Series") -> "pl.Series | None":
    import polars as pl

    read = cells.cast(pl.Float64, strict=False)
    odd = _before_one(cells)
    return read if _short(read) and fits(odd.filter(~odd.str.starts_with("0.")), "float") else None


def _before_one(cells: "pl.Series") -> "pl.Series":
    """What sorts before "1": zero, and numbers with a sign or a zero before them."""
    early = cells.filter(cells < "1")
    return early.filter(early != "")


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


def _bool(cells: "pl.Series") -> "pl.Series | None":
    for yes, no in SPELT:
        true = cells == yes
        said = true | (cells == no)
        if said.any():
            return true if said.all() else true.set(~said, None)
    return None


def _date(cells: "pl.Series") -> "pl.Series | None":
    if not _all_long(cells, DAY):
        return None
    return cells.str.to_date("%Y-%m-%d", strict=False, cache=False)


def _time(cells: "pl.Series") -> "pl.Series | None":
    if not _all_long(cells, SECOND):
        return None
    said = cells.filter(cells != "").head(1)
    between = said.str.slice(DAY, 1).to_list()
    if between not in (["T"], [" "]):
        return None
    return cells.str.to_datetime(
        f"%Y-%m-%d{between[0]}%H:%M:%S", time_unit="us", strict=False, cache=False
    )


def _all_long(cells: "pl.Series", length: int) -> bool:
    """Whether each cell that is not empty has so many bytes."""
    lengths = cells.str.len_bytes()
    return not ((lengths != length) & (lengths != 0)).any()


GLANCES: dict[Class, Callable[["pl.Series"], "pl.Series | None"]] = {
    "int": _int, "float": _float, "bool": _bool, "iso_date": _date, "local": _time, "timed": _time,
}  # fmt: skip
