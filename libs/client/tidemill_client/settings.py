"""What the command reads from the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

DEFAULT_URL = "http://127.0.0.1:8080"


class Settings(Struct, frozen=True, kw_only=True):
    """TM_URL, TM_TOKEN (or TM_TOKEN_FILE), and the folder of what `tidemill login` keeps."""

    url: str | None
    token: str | None
    folder: Path


def load(environment: Mapping[str, str] | None = None) -> Settings:
    env = os.environ if environment is None else environment
    token = env.get("TM_TOKEN") or None
    if file := env.get("TM_TOKEN_FILE"):
        token = Path(file).read_text(encoding="utf-8").strip()
    configured = env.get("XDG_CONFIG_HOME")
    home = Path(configured) if configured else Path(env.get("HOME", "~")).expanduser() / ".config"
    return Settings(url=env.get("TM_URL") or None, token=token, folder=home / "tidemill")
