"""An address where nobody listens, and a configuration folder of the test's own."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def nobody() -> Iterator[str]:
    """Bound, so that nobody else takes it, but never listened on."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("TM_URL", "TM_TOKEN", "TM_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "tidemill"
