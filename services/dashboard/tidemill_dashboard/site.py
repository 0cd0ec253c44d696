"""Where the built files of the dashboard lie."""

from pathlib import Path

ROOT = Path(__file__).parent / "built"
