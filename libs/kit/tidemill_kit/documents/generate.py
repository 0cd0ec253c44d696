"""Writes every generated document; `python -m tidemill_kit.documents.generate` in the root."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from tidemill_kit.documents import asyncapi, openapi, problems, services, settings

SETTINGS = "docs/reference/settings.md"


def render(root: Path) -> dict[str, str]:
    """The text of each document by its path under the root of the repository."""
    found = services.installed()
    codes = problems.codes(root / "deploy" / "Caddyfile")
    return {
        ".env.example": settings.example(found),
        "docs/reference/asyncapi.json": _json(asyncapi.document()),
        "docs/reference/events.schema.json": _json(asyncapi.events()),
        "docs/reference/openapi.json": _json(openapi.document(found)),
        "docs/reference/problems.md": problems.table(codes),
        SETTINGS: settings.table(found),
        "docs/site/problems/index.html": problems.page(codes),
    }


def main(arguments: list[str]) -> None:
    """Write the documents, or with `--settings` show the table of settings."""
    documents = render(Path.cwd())
    if arguments == ["--settings"]:
        sys.stdout.write(documents[SETTINGS])
        return
    for path, text in documents.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")


def _json(document: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
