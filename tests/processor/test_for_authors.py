"""What authors outside this repository build on: the trial, the checks, the template, a package."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import polars as pl
import pytest

from tidemill_processor import new
from tidemill_processor.processors.arithmetic import add
from tidemill_processor.processors.diagnostics import fail
from tidemill_processor.processors.normalize import normalize
from tidemill_processor.registry import NotAProcessor, processor
from tidemill_processor.run import LazyFrame
from tidemill_processor.testing import check, try_out

EXAMPLE = Path(__file__).parents[2] / "docs/examples/tidemill-example-processors"


def test_a_frame_goes_through_a_real_child_in_one_call() -> None:
    tried = try_out(normalize, pl.DataFrame({"a": [0.0, 5.0, 10.0]}), {"method": "minmax"})

    assert tried.frame["a"].to_list() == [0.0, 0.5, 1.0]
    assert tried.error is None


async def test_a_value_does_so_beside_a_running_loop() -> None:
    tried = try_out(add, 5, {"amount": 2})

    assert tried.value == 7


def test_what_fails_says_why() -> None:
    tried = try_out(fail, 1, {"kind": "data"})

    assert tried.error is not None
    assert (tried.value, tried.error.step) == (None, "fail")


def test_the_checks_tell_what_is_wrong() -> None:
    @processor
    def fragile(frame: LazyFrame) -> int:
        """Take the first value of the first row."""
        return frame.collect().rows()[0][0]

    with pytest.raises(AssertionError) as told:
        check(fragile, {"a": [1, 2]})
    with pytest.raises(NotAProcessor):
        check(test_what_fails_says_why)

    assert "a frame of no row ends in IndexError" in str(told.value)


def test_a_new_processor_works_as_it_is(tmp_path: Path) -> None:
    new.write("keep_large", tmp_path)

    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path))

    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
    with pytest.raises(new.Refused):
        new.write("keep_large", tmp_path)
    with pytest.raises(new.Refused):
        new.write("Keep-Large", tmp_path)


def test_an_installed_package_is_found_and_runs(tmp_path: Path) -> None:
    # a virtual environment of its own on top of this one: nothing here changes
    venv.create(tmp_path / "venv", symlinks=True)
    python = str(tmp_path / "venv/bin/python")
    (site,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    (site / "below.pth").write_text(
        f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    )

    install = ("uv", "pip", "install", "-q", "--offline", "--no-deps", "--python", python)
    installed = run(*install, str(EXAMPLE))
    done = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests"))

    assert installed.returncode == 0, installed.stderr
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in its folder, so that no settings of this repository apply."""
    folder = Path(command[-1])
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(  # noqa: S603 - our own commands
        [*command, *(("--rootdir", str(folder)) if "pytest" in command else ())],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
