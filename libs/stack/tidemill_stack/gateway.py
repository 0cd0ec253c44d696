"""The gateway: Caddy in front of all services, on the one port that others see."""

import socket
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

from msgspec import Struct, structs

from tidemill_stack import probes
from tidemill_stack.component import Component
from tidemill_stack.errors import AddressTaken
from tidemill_stack.ports import Ports, is_free
from tidemill_stack.servers import TEMPLATES, program
from tidemill_stack.settings import bare, without_secrets

EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - only compared
HTTPS_PORT = 443
# most of its heap is what it knows from its start: a third of garbage on top is enough
GARBAGE_PERCENT = "30"
ROUTED = ("identity", "ingestion", "jobs", "notifier")
CONFIG = str(TEMPLATES / "Caddyfile")
SITE = Path(__file__).parent / "site"
# says how the dashboard is built
UNBUILT = Path(__file__).parent / "unbuilt"


class Gateway(Struct, frozen=True, kw_only=True):
    """Where the gateway listens and what it is called; with a domain it speaks HTTPS."""

    host: str = "127.0.0.1"
    port: int = 0
    domain: str | None = None

    @property
    def address(self) -> str:
        """As a Caddyfile has it."""
        return f"https://{self.domain}:{self.port}" if self.domain else f"http://:{self.port}"

    @property
    def url(self) -> str:
        """As clients have it."""
        if self.domain:
            return f"https://{self.domain}" + f":{self.port}" * (self.port != HTTPS_PORT)
        host = socket.gethostname() if self.host in EVERYWHERE else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def local_url(self) -> str:
        """As this machine reaches it."""
        return f"http://127.0.0.1:{self.port}" if self.host in EVERYWHERE else self.url


def settle(wanted: Gateway, ports: Ports) -> Gateway:
    """The gateway with its final port; AddressTaken where somebody else has it."""
    port = wanted.port or ports.take("gateway")
    if not is_free(port, wanted.host or "0.0.0.0"):  # noqa: S104 - as the user asked
        raise AddressTaken(f"port {port} of {wanted.host} is taken; choose another with --port")
    ports.given["gateway"] = port
    return structs.replace(wanted, port=port)


def dashboard() -> Path:
    """The folder of the built dashboard, or of the page that says how to build it."""
    for site in entry_points(group="tidemill.sites", name="dashboard"):
        root: Path = site.load().ROOT
        if (root / "index.html").is_file():
            return root
    return UNBUILT


def component(
    folder: Path,
    gateway: Gateway,
    ports: Mapping[str, int],
    given: Mapping[str, str],
    *,
    asks_identity: bool,
) -> Component:
    """Ready when identity, asked through it, finds all services ready; else when it listens."""

    async def ready() -> None:
        if asks_identity and not gateway.domain:
            await probes.answers(f"{gateway.local_url}/readyz")
        else:
            host = "127.0.0.1" if gateway.host in EVERYWHERE else gateway.host
            await probes.listens(host, gateway.port)

    upstreams = {f"TM_{name.upper()}_UPSTREAM": f"127.0.0.1:{ports[name]}" for name in ROUTED}
    settings = {n: v for n, v in without_secrets(given).items() if n.startswith("TM_")}
    return Component(
        name="caddy",
        command=[program("caddy"), "run", "--adapter", "caddyfile", "--config", CONFIG],
        environment={
            **bare(given),
            "TM_DASHBOARD_ROOT": str(dashboard()),
            "TM_DOCS_ROOT": str(SITE),
            **upstreams,
            **settings,
            "TM_S3_UPSTREAM": given.get("TM_S3_ENDPOINT") or f"127.0.0.1:{ports['s3']}",
            "TM_GATEWAY_ADDRESS": gateway.address,
            "TM_GATEWAY_BIND": gateway.host,
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "GOGC": GARBAGE_PERCENT,
        },
        port=gateway.port,
        ready=ready,
        folder=folder,
        stop_s=4.0,
    )
