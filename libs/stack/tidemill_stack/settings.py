"""What the stack reads from the environment and, where that is silent, from `.env`."""

import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

ENV_FILE = ".env"
DATABASE = "tidemill"
DEFAULT_PORT = 8080
_QUOTES = ("'", '"')
_BARE = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_SECRET_PARTS = ("PASSWORD", "SECRET", "PRIVATE_KEY", "ACCESS_KEY", "DATABASE_URL")


class External(Struct, frozen=True, kw_only=True):
    """Servers that run elsewhere; what is None the stack starts itself."""

    admin_database_url: str | None = None
    nats_url: str | None = None
    s3_endpoint: str | None = None


def environment() -> dict[str, str]:
    """The process's environment over what `.env` in the current folder says."""
    file = Path(ENV_FILE)
    lines = file.read_text().splitlines() if file.is_file() else []
    return {**parse(lines), **os.environ}


def parse(lines: Iterable[str]) -> dict[str, str]:
    """`NAME=value` lines; quotes around a value, `export` and comment lines are dropped."""
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not equals or name.startswith("#"):
            continue
        value = value.strip()
        quoted = len(value) > 1 and value[0] in _QUOTES and value[-1] == value[0]
        found[name.strip()] = value[1:-1] if quoted else value
    return found


def external(env: Mapping[str, str]) -> External:
    """Which servers the environment names."""
    return External(
        admin_database_url=env.get("TM_ADMIN_DATABASE_URL") or env.get("TM_DATABASE_URL"),
        nats_url=env.get("TM_NATS_URL"),
        s3_endpoint=env.get("TM_S3_ENDPOINT"),
    )


def for_python(env: Mapping[str, str]) -> dict[str, str]:
    """What a Python child starts from; see `without_secrets`.

    Where Python shall leave no bytecode beside its modules and the installer left none either,
    every start would compile half a million lines; then a folder of ours keeps it.
    """
    child = without_secrets(env)
    kept = find_spec("litestar")
    compiled = kept is not None and Path(kept.cached or "").is_file()
    if not env.get("PYTHONDONTWRITEBYTECODE") or env.get("PYTHONPYCACHEPREFIX") or compiled:
        return child
    del child["PYTHONDONTWRITEBYTECODE"]
    cache = env.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return {**child, "PYTHONPYCACHEPREFIX": str(Path(cache) / "tidemill" / "python")}


def without_secrets(env: Mapping[str, str]) -> dict[str, str]:
    """The environment a child starts from; it gets its own secrets by name and nobody else's."""
    return {name: value for name, value in env.items() if not is_secret(name)}


def bare(env: Mapping[str, str]) -> dict[str, str]:
    """What a server gets: nothing of AWS_*, PG*, *_PROXY and the like, which it would obey."""
    return {name: env[name] for name in _BARE if name in env}


def is_secret(name: str) -> bool:
    return name.startswith("TM_") and any(part in name for part in _SECRET_PARTS)


def data_folder(env: Mapping[str, str]) -> Path:
    """Where everything is kept unless `--data` says otherwise."""
    data_home = env.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data_home) / "tidemill"


def cpu_count() -> int:
    """The CPUs this process may use."""
    return len(os.sched_getaffinity(0))
