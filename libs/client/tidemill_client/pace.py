"""How long to wait before another try."""

import random

FIRST_S = 0.5
LONGEST_S = 30.0
RESTART_S = 3.0
_DOUBLINGS = 16


def delay(failures: int, *, restarted: bool = False, draw: float | None = None) -> float:
    """Seconds before the next try: full jitter on 0.5 s, doubled by each failure, at most 30 s.

    Where a server restarted, everybody comes back: they spread over 3 s at least.
    `draw` is in [0, 1) and random unless given.
    """
    longest = min(LONGEST_S, FIRST_S * 2 ** min(failures, _DOUBLINGS))
    if restarted:
        longest = max(longest, RESTART_S)
    return longest * (random.random() if draw is None else draw)  # noqa: S311 - jitter, no secret
