"""What the webhooks read besides the kit's settings."""

from typing import Annotated

from msgspec import Meta

from tidemill_kit.settings import Settings


class WebhookSettings(Settings, frozen=True, kw_only=True):
    """Limits and timers of outgoing webhooks."""

    webhook_allow_http: Annotated[
        bool,
        Meta(description="Whether webhooks may go to http:// addresses, not to https:// alone."),
    ] = False
    webhook_ports: Annotated[
        str,
        Meta(description="Ports that webhooks may go to, besides their scheme's; `*` means all."),
    ] = "8443"
    webhook_networks: Annotated[
        str,
        Meta(description="Networks, such as 10.1.0.0/16, that webhooks may go to, though private."),
    ] = ""
    webhook_tenant_limit: Annotated[
        int,
        Meta(description="How many webhooks a tenant may have.", ge=1),
    ] = 50
    webhook_concurrency: Annotated[
        int,
        Meta(description="How many requests may be under way to one webhook.", ge=1),
    ] = 8
    webhook_backlog: Annotated[
        int,
        Meta(description="How many deliveries of a webhook may wait before it reads no further."),
    ] = 500
    webhook_timeout_s: Annotated[
        float,
        Meta(description="Seconds that a receiver has to answer.", gt=0),
    ] = 10.0
    webhook_retry_first_s: Annotated[
        float,
        Meta(description="Seconds that the first retry waits at most; each later one thrice that."),
    ] = 10.0
    webhook_retry_longest_s: Annotated[
        float,
        Meta(description="Seconds that any retry waits at most.", gt=0),
    ] = 28_800.0
    webhook_give_up_s: Annotated[
        float,
        Meta(description="Seconds after its first failure at which a delivery is given up.", gt=0),
    ] = 86_400.0
    webhook_disable_s: Annotated[
        float,
        Meta(description="Seconds of nothing but failures after which a webhook is disabled."),
    ] = 432_000.0
    webhook_disable_failures: Annotated[
        int,
        Meta(description="How many failures in a row it takes besides.", ge=1),
    ] = 12
    webhook_log_s: Annotated[
        float,
        Meta(description="Seconds for which deliveries that are over are kept.", gt=0),
    ] = 604_800.0
    webhook_lease_s: Annotated[
        float,
        Meta(description="Seconds for which a process keeps a webhook; more than two timeouts."),
    ] = 30.0
    webhook_poll_s: Annotated[
        float,
        Meta(description="Seconds after which changes of webhooks are noticed.", gt=0),
    ] = 1.0
