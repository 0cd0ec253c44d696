"""Which ports, folders and addresses the parts of a stack get."""

from collections.abc import Collection
from pathlib import Path

from tidemill_stack.credentials import Credentials
from tidemill_stack.ports import Ports
from tidemill_stack.servers import SEAWEEDFS_PORTS
from tidemill_stack.services import Addresses
from tidemill_stack.settings import DATABASE, External

FOLDERS = ("secrets", "logs", "nats", "seaweedfs", "gateway", "scratch")


def make_folders(data: Path) -> None:
    for name in FOLDERS:
        folder = data / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def take_ports(ports: Ports, services: Collection[str], external: External) -> None:
    """A port for every service, started or not, and for each server that is ours."""
    for name in services:
        ports.take(name)
    if external.admin_database_url is None:
        ports.take("postgres")
    if external.nats_url is None:
        ports.take("nats")
        ports.take("nats_monitor")
    if external.s3_endpoint is None:
        for name in SEAWEEDFS_PORTS:
            ports.take(name, twin=True)


def addresses(
    public_url: str,
    ports: Ports,
    services: Collection[str],
    external: External,
    credentials: Credentials,
) -> Addresses:
    given = ports.given
    own_database = (
        f"postgresql://tidemill:{credentials.postgres_admin}"
        f"@127.0.0.1:{given.get('postgres')}/{DATABASE}"
    )
    return Addresses(
        public_url=public_url,
        admin_database_url=external.admin_database_url or own_database,
        nats_url=external.nats_url or f"nats://127.0.0.1:{given['nats']}",
        s3_endpoint=external.s3_endpoint or f"http://127.0.0.1:{given['s3']}",
        services={name: f"http://127.0.0.1:{given[name]}" for name in services},
    )
