"""A new processor with its test, to start from: `python -m tidemill_processor.new NAME`."""

import keyword
import re
import sys
from pathlib import Path

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
USAGE = "python -m tidemill_processor.new NAME [FOLDER]\n"
PROCESSOR = '''"""The processor `{name}`."""

import narwhals as nw
from msgspec import Struct

from tidemill_processor.registry import processor
from tidemill_processor.run import DataError, LazyFrame, Run


class {title}(Struct, frozen=True, forbid_unknown_fields=True):
    """`column` is compared; rows at or below `above` are left out."""

    column: str
    above: float = 0.0


@processor
def {name}(frame: LazyFrame, params: {title}, run: Run) -> LazyFrame:
    """Keep the rows whose value in a column is above a limit."""
    if params.column not in frame.collect_schema().names():
        raise DataError(f"there is no column {{params.column!r}}", code="column_unknown")
    run.log("filtering", column=params.column)
    return frame.filter(nw.col(params.column) > params.above)
'''
TEST = '''"""The processor `{name}`, alone and in a real child process."""

from {name} import {name}

from tidemill_processor.testing import check, try_out

ROWS = {{"number": [1, 5, None], "text": ["a", "b", "c"]}}
PARAMS = {{"column": "number", "above": 2}}


def test_it_keeps_what_every_processor_must() -> None:
    check({name}, ROWS, PARAMS)


def test_rows_above_the_limit_stay() -> None:
    tried = try_out({name}, ROWS, PARAMS)

    assert tried.error is None
    assert tried.frame.to_dict(as_series=False) == {{"number": [5], "text": ["b"]}}


def test_a_column_that_is_missing_is_named() -> None:
    tried = try_out({name}, ROWS, {{"column": "size"}})

    assert tried.error is not None
    assert tried.error.code == "column_unknown"
'''


class Refused(ValueError):
    """There cannot be a new processor of this name here."""


def write(name: str, folder: Path) -> tuple[Path, Path]:
    """The files of a new processor and its test; none that is there is touched."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise Refused(f"{name!r}: a lower-case Python name, such as count_words")
    title = "".join(part.title() for part in name.split("_"))
    texts = {f"{name}.py": PROCESSOR, f"test_{name}.py": TEST}
    if taken := [file for file in texts if (folder / file).exists()]:
        raise Refused(f"{folder / taken[0]} is there already")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (folder / file).write_text(text.format(name=name, title=title), encoding="utf-8")
    made, test = (folder / file for file in texts)
    return made, test


def main() -> None:
    """Write both files into the current folder, or into the one that is named."""
    match sys.argv[1:]:
        case [name]:
            folder = Path()
        case [name, where]:
            folder = Path(where)
        case _:
            sys.exit(USAGE)
    try:
        made, test = write(name, folder)
    except Refused as error:
        sys.exit(str(error))
    sys.stdout.write(f"{made}\n{test}\nTry it: pytest {test}; run it: tidemill up --reload\n")


if __name__ == "__main__":
    main()
