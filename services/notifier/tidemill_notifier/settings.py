"""What the notifier reads besides the kit's settings."""

from typing import Annotated

from msgspec import Meta

from tidemill_notifier.webhook_settings import WebhookSettings


class NotifierSettings(WebhookSettings, frozen=True, kw_only=True):
    """Limits and timers of the live stream."""

    allowed_origins: Annotated[
        str,
        Meta(description="Origins of pages, besides the public URL's, that may open sockets."),
    ] = ""
    ring_events: Annotated[
        int,
        Meta(description="How many of the newest events are kept in memory.", ge=1),
    ] = 20_000
    ring_bytes: Annotated[
        int,
        Meta(description="How many bytes of the newest events are kept in memory.", ge=1),
    ] = 32 * 1024 * 1024
    heartbeat_s: Annotated[
        float,
        Meta(description="Seconds between two heartbeats on a socket.", gt=0),
    ] = 15.0
    authenticate_s: Annotated[
        float,
        Meta(description="Seconds that a socket has for its first token.", gt=0),
    ] = 5.0
    expiry_warning_s: Annotated[
        float,
        Meta(description="Seconds before its token ends that a socket is told.", gt=0),
    ] = 60.0
    feed_heartbeat_s: Annotated[
        float,
        Meta(description="Seconds between two signs of life of an idle event stream.", gt=0),
    ] = 2.0
    history_patience_s: Annotated[
        float,
        Meta(description="Seconds to wait for another service's history before naming a gap."),
    ] = 10.0
    history_readers: Annotated[
        int,
        Meta(description="How many replays may read older events at the same time.", ge=1),
    ] = 16
    tenant_sockets: Annotated[
        int,
        Meta(description="How many sockets a tenant may have open at this process.", ge=1),
    ] = 10_000
    user_sockets: Annotated[
        int,
        Meta(description="How many sockets a user may have open at this process.", ge=1),
    ] = 10_000
    socket_topics: Annotated[
        int,
        Meta(description="How many topics a socket may follow.", ge=1),
    ] = 128
    socket_frames: Annotated[
        int,
        Meta(description="How many frames may wait for a slow socket.", ge=1),
    ] = 1_000
    socket_bytes: Annotated[
        int,
        Meta(description="How many bytes may wait for a slow socket.", ge=1),
    ] = 1024 * 1024
