"""Fenced blocks of a Markdown page, so that what it shows can be run."""

import re
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(Struct, frozen=True):
    """A fenced block: its language and its text."""

    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Its lines without what stands behind them as a remark."""
        lines = (re.sub(r"\s+#.*", "", line) for line in self.text.splitlines())
        return [line for line in lines if line.strip()]


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in FENCE.findall((ROOT / page).read_text(encoding="utf-8"))]
