"""Where a program that follows the stream keeps its place, for its next life."""

import os
import tempfile
from pathlib import Path
from typing import Protocol


class Offsets(Protocol):
    """A place of one subscription."""

    def load(self) -> str | None:
        """The cursor that was kept last, if any was."""
        ...

    def save(self, cursor: str) -> None:
        """Keep this cursor; called often, so it should be quick."""
        ...


class FileOffsets:
    """The cursor in a file of its own; every write replaces it whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: str | None = None

    def load(self) -> str | None:
        try:
            self._kept = self.path.read_text(encoding="ascii").strip() or None
        except FileNotFoundError:
            self._kept = None
        return self._kept

    def save(self, cursor: str) -> None:
        if cursor == self._kept:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(f"{cursor}\n")
        Path(name).replace(self.path)
        self._kept = cursor
