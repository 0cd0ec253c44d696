"""A WebSocket as Litestar hands it over, behind the few calls that a socket needs."""

from typing import Any
from urllib.parse import urlsplit

from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from tidemill_notifier.direct import door
from tidemill_notifier.settings import NotifierSettings

_DEFAULT_PORTS = {"http": 80, "https": 443}


class LitestarWire:
    """Frames on an accepted WebSocket; ConnectionError where it is gone."""

    def __init__(self, socket: WebSocket[Any, Any, Any]) -> None:
        self._socket = socket
        self.line = door(socket.scope)

    async def receive(self) -> str | bytes:
        try:
            message = await self._socket.receive()
        except WebSocketDisconnect as error:
            raise ConnectionResetError from error
        if message["type"] != "websocket.receive":
            raise ConnectionResetError
        text = message.get("text")
        return text if text is not None else message.get("bytes") or b""

    async def close(self, code: int, reason: str) -> None:
        """The server refuses what is sent after a close with RuntimeError."""
        try:
            await self._socket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise ConnectionResetError from error


def origin_allowed(origin: str | None, settings: NotifierSettings) -> bool:
    """Whether a page of this origin may open sockets; programs send none."""
    if origin is None:
        return True
    allowed = [settings.public_url, *settings.allowed_origins.split(",")]
    return _normal(origin) in {_normal(url) for url in allowed if url.strip()}


def _normal(url: str) -> tuple[str, str, int | None] | None:
    parts = urlsplit(url.strip())
    try:
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), port or _DEFAULT_PORTS.get(scheme)
