"""Keeps webhooks from reaching into the network that the service runs in.

An address is checked as it is written, then as its name resolves, then once more as the socket is
made: what is connected to is what was checked, so a name that changes in between gains nothing.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tidemill_contracts.problems import FieldError
from tidemill_kit.errors import Invalid
from tidemill_notifier.webhook_settings import WebhookSettings
from tidemill_notifier.webhooks.addresses import Networks

MAX_URL_CHARS = 2_000
RESOLVERS = 16
_LOOK_S = 3.0
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# the last label of a host that browsers and C libraries read as a number (WHATWG URL, 3.5)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\\]|\s")
_AFTER_AUTHORITY = re.compile(r"[/?#]")
_LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")

type Found = tuple[int, str]
type Lookup = Callable[[str, int], Awaitable[list[Found]]]


class UrlRefused(Invalid):
    """Webhooks cannot be sent to this address."""


class AddressRefused(OSError):
    """The name leads to an address that webhooks may not be sent to."""


class Guard(AbstractResolver):
    """Judges URLs, and resolves names for the HTTP client; `lookup` finds a name's addresses."""

    def __init__(self, settings: WebhookSettings, lookup: Lookup | None = None) -> None:
        self._networks = Networks.of(settings.webhook_networks)
        self._schemes = ("https", "http") if settings.webhook_allow_http else ("https",)
        self._ports = settings.webhook_ports.replace(" ", "").split(",")
        # threads of its own: a name server that hangs must not hold up others' work
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="webhook-names")
        self._lookup = lookup or self._ask

    def read(self, text: str) -> URL:
        """The URL as it will be used; UrlRefused, which says why, without asking for its name."""
        if len(text) > MAX_URL_CHARS or _UNSEEN.search(text):
            raise _refused("too long, or with characters that have no place in a URL")
        try:
            url = URL(text)
        except ValueError as error:
            raise _refused("no URL") from error
        if url.scheme not in self._schemes:
            raise _refused(f"its scheme must be {' or '.join(self._schemes)}")
        authority = _AFTER_AUTHORITY.split(text.partition("://")[2])[0]
        if "@" in authority or url.raw_fragment:
            raise _refused("user names, passwords and fragments are not sent")
        if not self._port_allowed(url):
            raise _refused("its port is not among those that are allowed")
        host = url.raw_host or ""
        if "[" in authority and ":" not in host:
            raise _refused("its host is no name")
        self._check_host(host)
        return url

    async def check(self, text: str) -> URL:
        """The same, and the name's addresses are looked at; a name without any may come to be."""
        url = self.read(text)
        try:
            async with asyncio.timeout(_LOOK_S):
                await self.resolve(url.raw_host or "", url.port or 0)
        except AddressRefused as error:
            raise _refused("its host is not on the public internet") from error
        except (OSError, TimeoutError):
            pass
        return url

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        """All addresses of a name; AddressRefused if any of them may not be connected to."""
        found = await self._lookup(host, port)
        if any(not self._networks.allow(address) for _, address in found):
            raise AddressRefused(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, address in found
            if family in (socket.AF_UNSPEC, kind)
        ]

    def socket_for(self, place: tuple[Any, ...]) -> socket.socket:
        """A socket for this address, which is looked at for the last time."""
        family, kind, protocol, _, address = place
        if not self._networks.allow(str(address[0])):
            raise AddressRefused(str(address[0]))
        made = socket.socket(family, kind, protocol)
        made.settimeout(0)
        return made

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _port_allowed(self, url: URL) -> bool:
        if url.port is None or url.port == 0:
            return False
        allowed = "*" in self._ports or str(url.port) in self._ports
        return allowed or url.port == _PORTS[url.scheme]

    def _check_host(self, host: str) -> None:
        """Refuse addresses that are not allowed, other spellings of addresses, and local names."""
        with suppress(ValueError):
            ip_address(host)
            if "%" in host or not self._networks.allow(host):
                raise _refused("its host is not on the public internet")
            return
        labels = host.removesuffix(".").split(".")
        if len(host) > _MAX_HOST_CHARS or not all(_NAME.fullmatch(label) for label in labels):
            raise _refused("its host is no name")
        if _NUMBER.fullmatch(labels[-1]):
            raise _refused("an address is written as four numbers, or in brackets")
        name = ".".join(labels)
        local = any(name == each or name.endswith(f".{each}") for each in _LOCAL_NAMES)
        if local and not self._networks.allow("127.0.0.1"):
            raise _refused("its host is not on the public internet")

    async def _ask(self, host: str, port: int) -> list[Found]:
        loop = asyncio.get_running_loop()
        rows = await loop.run_in_executor(self._threads, _addresses, host, port)
        return [(family, str(address[0])) for family, _, _, _, address in rows]


_MAX_HOST_CHARS = 253


def _addresses(host: str, port: int) -> list[Any]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def _refused(why: str) -> UrlRefused:
    return UrlRefused(errors=[FieldError("url", why)])
