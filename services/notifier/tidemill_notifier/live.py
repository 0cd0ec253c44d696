"""What all sockets and feeds of this process share."""

import asyncio

from msgspec import Struct

from tidemill_kit.auth import Authenticator
from tidemill_notifier.archive import Archive
from tidemill_notifier.hub import Hub
from tidemill_notifier.sessions import Sessions
from tidemill_notifier.settings import NotifierSettings


class Live(Struct, frozen=True):
    """The hub, what it no longer keeps, who is listening, and whether the process is stopping."""

    settings: NotifierSettings
    sessions: Sessions
    hub: Hub
    archive: Archive
    stopping: asyncio.Event

    @classmethod
    def of(cls, settings: NotifierSettings, authenticator: Authenticator) -> "Live":
        sessions = Sessions(authenticator, settings.tenant_sockets)
        hub = Hub(settings, sessions)
        return cls(settings, sessions, hub, Archive(hub, settings), asyncio.Event())
