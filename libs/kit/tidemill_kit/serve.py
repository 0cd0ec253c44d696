"""Run a service: uvicorn in this process, on the settings' address."""

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

import uvicorn

from tidemill_kit.settings import Settings

MAX_FRAME_BYTES = 65_536
STUCK_MS = 20_000


def run(
    app: Any,
    settings: Settings,
    *,
    sockets: type[asyncio.Protocol] | None = None,
) -> None:
    """Serve an ASGI application until SIGTERM or SIGINT; configure logs before it is made.

    `sockets` speaks WebSocket; without one there are none.
    """
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "date_header": False,
        "timeout_graceful_shutdown": 8,
        "timeout_keep_alive": 75,
        "ws": sockets or "none",
        "ws_max_size": MAX_FRAME_BYTES,
        "ws_per_message_deflate": False,
    }
    # uvicorn raises the signal again once it is done: that is a clean end, not a death
    signal.signal(signal.SIGTERM, _leave)
    config = uvicorn.Config(app, **options)
    listener = config.bind_socket()
    if sys.platform == "linux":
        # whoever stops reading is cut off by the kernel: a close frame would wait behind the rest
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_MS)
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run([listener])
    if not server.started:
        sys.exit(1)


def _leave(number: int, frame: object) -> None:
    del number, frame
    sys.exit(0)
