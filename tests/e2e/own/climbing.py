"""A processor that dies once on its way, after it has kept how far it was."""

import os
import signal

from tidemill_processor.registry import processor
from tidemill_processor.run import Run

TOP = 5


@processor(hidden=True)
def climb(run: Run) -> dict[str, int]:
    """Count to five, killed at three in the first attempt; say where this attempt began."""
    first = run.checkpointed or 0
    for number in range(first + 1, TOP + 1):
        run.checkpoint(number)
        if number == TOP - 2 and run.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    return {"first": first, "last": TOP}
