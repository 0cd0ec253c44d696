"""What all sockets and feeds of this process share."""

from msgspec import Struct

from tidemill_kit.auth import Authenticator
from tidemill_notifier.archive import Archive
from tidemill_notifier.hub import Hub
from tidemill_notifier.sessions import Sessions
from tidemill_notifier.settings import NotifierSettings


class Live(Struct, frozen=True):
    """The hub, what it no longer keeps, and who is listening."""

    settings: NotifierSettings
    sessions: Sessions
    hub: Hub
    archive: Archive

    @classmethod
    def of(cls, settings: NotifierSettings, authenticator: Authenticator) -> "Live":
        sessions = Sessions(
            authenticator,
            tenant_sockets=settings.tenant_sockets,
            user_sockets=settings.user_sockets,
        )
        hub = Hub(settings, sessions)
        return cls(settings, sessions, hub, Archive(hub, settings))
