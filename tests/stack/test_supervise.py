"""The process behind `tidemill up`: its lock, its end, and what is left when it is killed."""

import asyncio
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.builders import PATIENCE_S
from tidemill_stack import state
from tidemill_stack.errors import DataInUse, NotRunning
from tidemill_stack.ports import is_free
from tidemill_stack.stack import Stack
from tidemill_stack.supervise import Options

type Start = Callable[[], Awaitable[Process]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncGenerator[Start]:
    """Starts the servers as `tidemill up` would, and waits until it says that they are ready."""
    started: list[Process] = []

    async def begin() -> Process:
        options = Options(data=str(tmp_path / "data"), port=0, host="127.0.0.1", services=[])
        process = await asyncio.create_subprocess_exec(*options.command(), stdout=PIPE, stderr=PIPE)
        started.append(process)
        assert process.stdout is not None
        while (line := await process.stdout.readline()) and not line.startswith(b"ready"):
            pass
        return process

    yield begin
    for process in started:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_a_second_start_says_who_has_the_folder(tmp_path: Path, servers: Stack) -> None:
    del tmp_path
    second = Stack(servers.data, services=())

    with pytest.raises(DataInUse) as refusal:
        await second.start()

    holder = state.running(servers.data).supervisor
    said = str(refusal.value)
    assert f"process {holder.pid} since " in said
    assert holder.url in said


async def test_a_signal_stops_everything_and_a_killed_supervisor_leaves_nothing(
    start: Start, tmp_path: Path
) -> None:
    supervisor = await start()
    first = state.running(tmp_path / "data")
    supervisor.kill()
    await supervisor.wait()
    assert all(state.has_ended(each.pid or 0, 10) for each in first.components)

    supervisor = await start()
    second = state.running(tmp_path / "data")
    supervisor.send_signal(signal.SIGINT)
    code = await asyncio.wait_for(supervisor.wait(), PATIENCE_S)

    assert code == 0
    assert second.ports == first.ports
    assert not [each.name for each in second.components if state.started_ticks(each.pid or 0)]
    assert all(is_free(port) for port in second.ports.values())
    with pytest.raises(NotRunning):
        state.running(tmp_path / "data")


async def test_servers_that_run_elsewhere_are_not_started(tmp_path: Path, servers: Stack) -> None:
    passwords = servers.credentials.postgres
    given = {f"TM_{name.upper()}_DB_PASSWORD": word for name, word in passwords.items()}
    given |= {
        "TM_ADMIN_DATABASE_URL": servers.postgres_url(),
        "TM_NATS_URL": servers.nats_url,
        "TM_NATS_JOBS_PASSWORD": servers.credentials.nats["jobs"],
        "TM_S3_ENDPOINT": servers.s3_endpoint,
        "TM_S3_JOBS_ACCESS_KEY": "theirs",
    }

    async with Stack(tmp_path, services=(), env=given) as stack:
        started, told = stack.running(), stack.env("jobs")

    expected = servers.env("jobs")
    same = ("TM_DATABASE_URL", "TM_NATS_URL", "TM_NATS_PASSWORD", "TM_S3_ENDPOINT")
    assert started == []
    assert {name: told[name] for name in same} == {name: expected[name] for name in same}
    assert told["TM_S3_ACCESS_KEY"] == "theirs"
