"""How a function becomes a processor, and where processors are found."""

from pathlib import Path
from typing import Any

import narwhals as nw
import pytest
from msgspec import Struct

from tidemill_contracts.processors import Returns, Takes
from tidemill_processor import new, registry
from tidemill_processor.registry import SPEC, NameTaken, NotAProcessor, processor
from tidemill_processor.run import LazyFrame, Run


class Sized(Struct, frozen=True, forbid_unknown_fields=True):
    size: int = 3


class Open(Struct, frozen=True):
    size: int = 3


def test_the_signature_says_what_a_processor_takes_and_returns() -> None:
    @processor
    def both(frame: LazyFrame, params: Sized, run: Run) -> tuple[LazyFrame, dict[str, int]]:
        """Do this. And that."""
        run.log("sized", size=params.size)
        return frame, {}

    spec = getattr(both, SPEC)

    assert (spec.name, spec.summary, spec.takes, spec.returns) == (
        "both",
        "Do this.",
        Takes.DATASET,
        Returns.BOTH,
    )
    assert (spec.value_type, spec.params_type, spec.wants_run) == (dict[str, int], Sized, True)
    assert spec.params_schema["properties"] == {"size": {"type": "integer", "default": 3}}


def test_a_frame_may_be_annotated_as_narwhals_has_it() -> None:
    @processor(name="pass_on", queue="large", version="2")
    def passing(frame: nw.LazyFrame) -> nw.LazyFrame:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
        """Pass a frame on."""
        return frame

    spec = getattr(passing, SPEC)

    assert (spec.name, spec.queue, spec.version) == ("pass_on", "large", "2")
    assert (spec.takes, spec.returns) == (Takes.DATASET, Returns.DATASET)


def undocumented(value: int) -> int:
    return value


def unreturned(value: int):  # noqa: ANN201 - the fault that is looked for
    """Return who knows what."""
    return value


def greedy(value: int, other: int) -> int:
    """Take two inputs."""
    return value + other


def open_minded(value: int, params: Open) -> int:
    """Take any params."""
    return value + params.size


@pytest.mark.parametrize("function", [undocumented, unreturned, greedy, open_minded])
def test_what_would_surprise_a_caller_is_no_processor(function: Any) -> None:
    expected = pytest.raises(NotAProcessor)

    with expected:
        processor(function)


def test_a_pure_processor_cannot_ask_for_its_run() -> None:
    def looking(value: int, run: Run) -> int:
        """Look at the run."""
        return value + run.attempt

    with pytest.raises(NotAProcessor):
        processor(pure=True)(looking)


def test_one_file_in_a_folder_is_enough_and_may_change(tmp_path: Path) -> None:
    file = tmp_path / "greet.py"
    text = '''
from tidemill_processor.registry import processor

@processor
def greet(value: str) -> str:
    """Greet somebody."""
    return "Hello " + value
'''
    file.write_text(text)

    first = registry.load([tmp_path])["greet"].apply("you").value
    file.write_text(text.replace("Hello", "Good morning"))
    second = registry.load([tmp_path])["greet"].apply("you").value

    assert (first, second) == ("Hello you", "Good morning you")


def test_the_test_of_a_new_processor_lies_beside_it(tmp_path: Path) -> None:
    new.write("keep_large", tmp_path)

    found = registry.load([tmp_path])

    assert "keep_large" in found


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text('''
from tidemill_processor.registry import processor

@processor
def add(value: int) -> int:
    """Add one."""
    return value + 1
''')

    with pytest.raises(NameTaken, match=r"add.*mine\.py"):
        registry.load([tmp_path])


def test_what_others_may_know_is_described() -> None:
    specs = registry.load()

    info = registry.describe(specs["normalize"])

    assert (info.name, info.takes, info.returns) == ("normalize", "dataset", "dataset")
    assert set(info.params_schema["properties"]) == {"method", "columns"}
    assert (registry.describe(specs["wait"]).hidden, registry.describe(specs["ingest"]).system) == (
        True,
        True,
    )
