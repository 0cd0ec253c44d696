"""One HTTP request to a receiver, with every limit there is."""

import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Self

import aiohttp
from msgspec import Struct

from tidemill_contracts.ids import now
from tidemill_kit.app import VERSION
from tidemill_notifier.webhook_settings import WebhookSettings
from tidemill_notifier.webhooks.guard import AddressRefused, Guard, UrlRefused

MAX_READ_BYTES = 64 * 1024
MAX_KEPT_CHARS = 2 * 1024
_FIXED = {
    "Content-Type": "application/json",
    "User-Agent": f"Tidemill/{VERSION}",
    "Accept-Encoding": "identity",
}


class Answer(Struct, frozen=True):
    """What a receiver answered, or why there is no answer."""

    duration_ms: int
    status_code: int | None = None
    error: str | None = None
    response: str = ""
    retry_after_s: float = 0.0

    @property
    def accepted(self) -> bool:
        return self.status_code is not None and self.status_code // 100 == _SUCCESS

    @property
    def gone(self) -> bool:
        return self.status_code == _GONE


_SUCCESS, _GONE = 2, 410


class Sender:
    """Posts to receivers; redirects are not followed, proxies and cookies not known."""

    def __init__(
        self,
        settings: WebhookSettings,
        guard: Guard,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.guard = guard
        self._timeout_s = settings.webhook_timeout_s
        connector = aiohttp.TCPConnector(
            resolver=guard,
            socket_factory=guard.socket_for,
            use_dns_cache=False,
            # what one receiver takes is bounded where it is sent to: none waits for another
            limit=0,
            ssl=context or True,
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *ending: object) -> None:
        await self._http.close()

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post once; whatever goes wrong is in the answer."""
        began = time.perf_counter()
        status, retry_after, text, error = None, 0.0, b"", None
        try:
            async with self._http.post(
                self.guard.read(url),
                data=body,
                headers={**_FIXED, **headers},
                allow_redirects=False,
            ) as response:
                status, retry_after = response.status, _retry_after(response)
                text = await _start_of(response.content)
                if not response.content.at_eof():
                    response.close()
        # what a receiver has answered counts, also if the rest of it does not come
        except (aiohttp.ClientError, UrlRefused, OSError, TimeoutError, ValueError) as trouble:
            error = None if status is not None else _kind(trouble)
        return Answer(
            duration_ms=round((time.perf_counter() - began) * 1_000),
            status_code=status,
            error=error,
            response=_kept(text),
            retry_after_s=retry_after,
        )


async def _start_of(content: aiohttp.StreamReader) -> bytes:
    found = bytearray()
    while len(found) < MAX_READ_BYTES:
        chunk = await content.read(MAX_READ_BYTES - len(found))
        if not chunk:
            break
        found += chunk
    return bytes(found)


def _kept(text: bytes) -> str:
    """The beginning, as PostgreSQL takes it."""
    return text[:MAX_KEPT_CHARS].decode(errors="replace").replace("\0", "\ufffd")[:MAX_KEPT_CHARS]


def _kind(trouble: Exception) -> str:
    """A word for what went wrong, which tells nothing of the network that it went wrong in."""
    cause = trouble.os_error if isinstance(trouble, aiohttp.ClientConnectorError) else trouble
    match cause:
        case AddressRefused() | UrlRefused():
            return "address_refused"
        case TimeoutError():
            return "timeout"
        case _ if isinstance(trouble, aiohttp.ClientConnectorDNSError):
            return "name_unknown"
        case _ if isinstance(trouble, aiohttp.ClientSSLError | ssl.SSLError):
            return "tls_failed"
        case _ if isinstance(trouble, aiohttp.ClientConnectorError):
            return "connection_refused"
        case _:
            return "connection_lost"


def _retry_after(response: aiohttp.ClientResponse) -> float:
    """Seconds that the receiver asks for, as a number or as a moment (RFC 9110, 10.2.3)."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max((parsedate_to_datetime(text) - now()).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0
