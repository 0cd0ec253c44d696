"""When a delivery is tried again."""

from collections.abc import Callable

from tidemill_notifier.webhook_settings import WebhookSettings

FACTOR = 3.0
_MOST_STEPS = 32


def wait_s(
    failures: int,
    settings: WebhookSettings,
    draw: Callable[[float, float], float],
    *,
    asked_s: float = 0.0,
) -> float:
    """Seconds until the next try: anything up to 10 s, 30 s, 90 s … 8 h, each as likely as any.

    About a dozen tries in 24 h. What the receiver asked for comes first, within the same limit.
    """
    grown = settings.webhook_retry_first_s * FACTOR ** min(failures - 1, _MOST_STEPS)
    longest = settings.webhook_retry_longest_s
    return max(draw(0.0, min(grown, longest)), min(asked_s, longest))
