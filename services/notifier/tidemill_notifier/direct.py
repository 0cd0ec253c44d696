"""uvicorn's WebSocket, with a door past ASGI for frames that are whole already."""

import logging
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

_DOOR = "tidemill.direct"
_quiet = logging.getLogger("uvicorn.error.sockets")
_quiet.setLevel(logging.WARNING)


class DirectProtocol(WebSocketsSansIOProtocol):
    """What ASGI costs is paid once for a connection, not for each frame that is sent."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # sockets come and go by the thousand: only trouble is told of
        self.logger = self.conn.logger = _quiet

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope: dict[str, Any] = vars(self).get("scope", {})
        scope.setdefault("extensions", {})[_DOOR] = self

    @property
    def ended(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.close_sent or self.disconnected or self.transport.is_closing()

    def offer(self, frame: bytes) -> bool:
        """Send this frame, unless the other side is behind in reading or gone."""
        if self.writable.is_set() and not self.ended:
            self.transport.write(frame)
            return True
        return False

    async def drained(self) -> None:
        """Wait until a frame can be sent; ConnectionError where none ever can."""
        await self.writable.wait()
        if self.ended:
            raise ConnectionResetError


def door(scope: Any) -> DirectProtocol:
    """The connection below a WebSocket that this process serves."""
    return scope["extensions"][_DOOR]
