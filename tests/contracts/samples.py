"""One golden message for each event; `python -m tests.contracts.samples` writes missing ones."""

from pathlib import Path

import msgspec

from tests.builders import a
from tidemill_contracts.catalogue import encode, event_types

FOLDER = Path(__file__).parent / "samples"


def sample(event_type: str) -> Path:
    return FOLDER / f"{event_type}.json"


def known() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


def write_missing() -> None:
    """A sample that is there stays as it is: it stands for what was once published."""
    for event_type, kind in event_types().items():
        if not sample(event_type).exists():
            body = msgspec.json.format(encode(a(kind)), indent=2)
            sample(event_type).write_bytes(body + b"\n")


if __name__ == "__main__":
    write_missing()
