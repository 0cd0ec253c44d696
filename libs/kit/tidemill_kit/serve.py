"""Run a service: uvicorn in this process, on the settings' address."""

import signal
import sys
from typing import Any, Literal

import uvicorn
from litestar import Litestar

from tidemill_kit.settings import Settings

MAX_FRAME_BYTES = 65_536


def run(
    app: Litestar,
    settings: Settings,
    *,
    sockets: Literal["none", "websockets"] = "none",
) -> None:
    """Serve until SIGTERM or SIGINT; logs must be configured before the app is made."""
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "date_header": False,
        "timeout_graceful_shutdown": 8,
        "timeout_keep_alive": 75,
        "ws": "websockets-sansio" if sockets == "websockets" else "none",
        "ws_max_size": MAX_FRAME_BYTES,
        "ws_per_message_deflate": False,
    }
    # uvicorn raises the signal again once it is done: that is a clean end, not a death
    signal.signal(signal.SIGTERM, _leave)
    uvicorn.run(app, **options)


def _leave(number: int, frame: object) -> None:
    del number, frame
    sys.exit(0)
