"""The services as processes: found by entry point, started by command, told what they need."""

from collections.abc import Collection, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import quote, urlsplit

from msgspec import Struct

from tidemill_stack import probes
from tidemill_stack.component import Component
from tidemill_stack.credentials import DATASETS, JWT_KEY_FILE, RESULTS, Credentials, S3Key
from tidemill_stack.servers import program
from tidemill_stack.settings import for_python

ENTRY_POINTS = "tidemill.services"
# fewer arenas, and thresholds that stay: glibc would raise them with the first large block
# that is freed (a part of an upload, argon2's 19 MB) and keep the next ones
MALLOC = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "262144",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
STORE = "seaweedfs"
WITHOUT_DATABASE = frozenset({"processor"})


class Addresses(Struct, frozen=True, kw_only=True):
    """Where everything is that a service may ask."""

    public_url: str
    admin_database_url: str
    nats_url: str
    s3_endpoint: str
    services: dict[str, str]


class Surroundings(Struct, frozen=True, kw_only=True):
    """What every service's environment is made from."""

    given: dict[str, str]
    data: Path
    credentials: Credentials
    addresses: Addresses
    started: list[str]
    slots: int


def installed() -> list[str]:
    """The services that this Python has, by their entry points; none is imported."""
    return sorted({entry.name for entry in entry_points(group=ENTRY_POINTS)})


def component(service: str, around: Surroundings) -> Component:
    url = around.addresses.services[service]

    async def ready() -> None:
        await probes.answers(f"{url}/readyz")

    return Component(
        name=f"tidemill-{service}",
        command=[program(f"tidemill-{service}")],
        environment=environment(service, around),
        port=urlsplit(url).port or 0,
        ready=ready,
        folder=around.data,
    )


def environment(service: str, around: Surroundings) -> dict[str, str]:
    """A service's settings: what it was given, its own secrets, and where the others are."""
    addresses = around.addresses
    return {
        **MALLOC,
        "TM_PUBLIC_URL": addresses.public_url,
        "TM_JWKS_URL": f"{addresses.services['identity']}/.well-known/jwks.json",
        "TM_NATS_URL": addresses.nats_url,
        "TM_S3_ENDPOINT": addresses.s3_endpoint,
        "TM_S3_FOLDER": "" if "TM_S3_ENDPOINT" in around.given else str(around.data / STORE),
        "TM_S3_DATASETS_BUCKET": DATASETS,
        "TM_S3_RESULTS_BUCKET": RESULTS,
        **for_python(around.given),
        "TM_NATS_USER": service,
        "TM_NATS_PASSWORD": around.credentials.nats[service],
        **_own(service, around),
        "TM_HOST": "127.0.0.1",
        "TM_PORT": str(urlsplit(addresses.services[service]).port),
    }


def role_url(admin_url: str, role: str, password: str) -> str:
    """The same database under another role."""
    parts = urlsplit(admin_url)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}").geturl()


def _own(service: str, around: Surroundings) -> dict[str, str]:
    """What only this service gets."""
    found: dict[str, str] = {}
    credentials, admin_url = around.credentials, around.addresses.admin_database_url
    if service not in WITHOUT_DATABASE:
        password = credentials.postgres[service]
        found["TM_DATABASE_URL"] = role_url(admin_url, f"tidemill_{service}", password)
    if key := s3_key(service, around.given, credentials):
        found |= {"TM_S3_ACCESS_KEY": key.access_key, "TM_S3_SECRET_KEY": key.secret_key}
    if service == "identity":
        found |= {"TM_SERVICES": _others(around), **_signing_key(around)}
    if service == "processor":
        found |= {
            "TM_SLOTS": str(around.slots),
            "TM_SCRATCH_DIR": around.given.get("TM_SCRATCH_DIR", str(around.data / "scratch")),
            "TM_DRAIN_S": around.given.get("TM_DRAIN_S", "5"),
        }
    return found


def s3_key(service: str, given: Mapping[str, str], credentials: Credentials) -> S3Key | None:
    """The keys of an outside object store, else the service's own."""
    if "TM_S3_ENDPOINT" not in given:
        return credentials.s3.get(service)
    prefix = f"TM_S3_{service.upper()}_"
    access = given.get(f"{prefix}ACCESS_KEY") or given.get("TM_S3_ACCESS_KEY", "")
    secret = given.get(f"{prefix}SECRET_KEY") or given.get("TM_S3_SECRET_KEY", "")
    return S3Key(access, secret)


def _signing_key(around: Surroundings) -> dict[str, str]:
    names = ("TM_JWT_PRIVATE_KEY", "TM_JWT_PRIVATE_KEY_FILE")
    given = {name: around.given[name] for name in names if name in around.given}
    return given or {"TM_JWT_PRIVATE_KEY_FILE": str(around.data / "secrets" / JWT_KEY_FILE)}


def _others(around: Surroundings) -> str:
    """Whom identity asks when it is asked whether all is ready."""
    urls = around.addresses.services
    names: Collection[str] = [name for name in around.started if name != "identity"]
    return ",".join(f"{name}={urls[name]}" for name in names)
