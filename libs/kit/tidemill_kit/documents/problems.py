"""Every code that a refusal can carry."""

import re
from collections.abc import Iterator
from html import escape
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules, walk_packages

from msgspec import Struct

from tidemill_kit.errors import TidemillError

PREFIX = "tidemill_"
# its errors are told on the terminal, never over HTTP
STACK = "tidemill_stack"
GATEWAY = re.compile(r'import problem (\d+) (\w+) "(.*)"')


class Code(Struct, frozen=True, order=True):
    """A stable code with its status and what it can mean."""

    code: str
    status: int
    title: str


def codes(caddyfile: Path) -> list[Code]:
    """Those of all errors in all packages, and those that the gateway answers by itself."""
    _import_everything()
    titles: dict[tuple[str, int], set[str]] = {}
    for kind in _errors(TidemillError):
        titles.setdefault((kind.code(), kind.status), set()).add(kind.title())
    for status, code, title in GATEWAY.findall(caddyfile.read_text()):
        titles.setdefault((code, int(status)), set()).add(title)
    return [Code(*each, " / ".join(sorted(found))) for each, found in sorted(titles.items())]


def table(found: list[Code]) -> str:
    rows = [f"| `{each.code}` | {each.status} | {each.title} |" for each in found]
    return "\n".join([*_HEAD, *rows, ""])


def page(found: list[Code]) -> str:
    """The page that a problem's `type` leads to."""
    rows = "\n".join(
        f'<tr id="{each.code}"><td><code>{each.code}</code></td>'
        f"<td>{each.status}</td><td>{escape(each.title)}</td></tr>"
        for each in found
    )
    return _PAGE.replace("<!-- rows -->", rows)


def _import_everything() -> None:
    for package in iter_modules():
        if package.name.startswith(PREFIX) and package.name != STACK:
            path = import_module(package.name).__path__
            for module in walk_packages(path, f"{package.name}."):
                import_module(module.name)


def _errors(kind: type[TidemillError]) -> Iterator[type[TidemillError]]:
    for child in kind.__subclasses__():
        package = child.__module__.partition(".")[0]
        if package.startswith(PREFIX) and package != STACK:
            yield child
        yield from _errors(child)


_HEAD = (
    "# Problems",
    "",
    "Every refusal is problem details (RFC 9457), `application/problem+json`, with `type`,",
    "`title`, `status`, `code` and `request_id`, and where they help `detail` and `errors`. `code`",
    "is stable: decide by it. Some carry members of their own, such as `job_status`.",
    "",
    "| code | status | title |",
    "| --- | --- | --- |",
)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidemill: problems</title>
<link rel="stylesheet" href="/docs/style.css">
<header><a href="/docs/">Tidemill</a> <span>problems</span></header>
<main>
<h1>Problems</h1>
<p>Every refusal is problem details (RFC 9457). Its <code>code</code> is stable: decide by it.</p>
<table>
<thead><tr><th>code</th><th>status</th><th>title</th></tr></thead>
<tbody>
<!-- rows -->
</tbody>
</table>
</main>
</html>
"""
