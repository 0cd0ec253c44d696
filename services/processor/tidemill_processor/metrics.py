"""What a worker counts."""

from prometheus_client import Counter, Gauge

ENDED = Counter("tidemill_attempts_total", "Attempts reported.", ("ending",))
HELD = Gauge("tidemill_attempts_held", "Attempts that this worker owns.")
