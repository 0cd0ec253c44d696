"""The installed services as applications that have not been started."""

from base64 import b64encode
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, get_args, get_type_hints

from litestar import Litestar
from msgspec import Struct

from tidemill_kit.settings import Settings, load


class Service(Struct, frozen=True):
    """A service, the Struct it reads its settings into, and its application."""

    name: str
    settings: type[Settings]
    app: Litestar


@cache
def installed() -> tuple[Service, ...]:
    """Every service by its entry point, in the order of their names."""
    found = {entry.name: entry.value for entry in entry_points(group="tidemill.services")}
    return tuple(_service(name, package) for name, package in sorted(found.items()))


def _service(name: str, package: str) -> Service:
    """The type that `create_app` asks for is the service's Settings."""
    create_app: Any = import_module(f"{package}.app").create_app
    settings = get_args(get_type_hints(create_app)["settings"])[0]
    return Service(name, settings, create_app(load(settings, {"TM_JWT_PRIVATE_KEY": _KEY})))


# identity starts with no less than a key; this one signs nothing
_ED25519_PKCS8 = bytes.fromhex("302e020100300506032b657004220420") + bytes(32)
_KEY = "\n".join(
    ("-----BEGIN PRIVATE KEY-----", b64encode(_ED25519_PKCS8).decode(), "-----END PRIVATE KEY-----")
)
