"""M7: the worker is killed amid its jobs and started again: what is lost, what is done twice."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.bench.accounting import Family
from tests.bench.load import fire
from tests.bench.side import Side, Standing, Who, at_work, settled
from tests.bench.trial import Ground

NAP_S = 0.050
KILL_AT = 0.3
LOOK_S = 0.02


async def killed(ground: Ground) -> None:
    """SIGKILL of the worker's whole tree once 30 % of the jobs are done; restarted at once."""
    side, trial, jobs = ground.side, ground.trial, ground.scale.m7_jobs
    await at_work(side)
    who = await side.newcomer()
    log = ground.folder / f"naps-{who.name}"
    requests = (side.job(who, "nap", seconds=NAP_S, log=str(log), line=str(n)) for n in range(jobs))
    sample = await fire(ground.door.http, requests)
    trial.expect("accepted", len(sample.seconds), jobs)
    before = await _reached(side, who, int(jobs * KILL_AT), ground.scale.drain_s)
    kill_tree(side)
    moment = time.time()
    after = await settled(side, who, jobs, ground.scale.m7_wait_s)
    runs = executions(log)
    took = after.last - moment if after.done == jobs else ground.scale.m7_wait_s
    left = (jobs - before.done) * NAP_S / (os.cpu_count() or 1)
    first = min((at for moments in runs.values() for at in moments if at > moment), default=0.0)
    doubled = sum(len(moments) > 1 for moments in runs.values())
    twice = await side.ended_twice(who)
    trial.figures |= {
        "not_done": jobs - after.done,
        "failed": after.failed,
        "executed_twice": doubled,
        "applied_twice": doubled if twice is None else twice,
        "all_done_s": took,
        "beyond_work_s": max(0.0, took - left),
        "first_again_s": max(0.0, first - moment),
    }
    trial.expect("jobs that are done and never ran", max(0, after.done - len(runs)), 0)


def kill_tree(side: Side) -> None:
    """Nobody of it gets to say goodbye; its supervision starts it again."""
    assert side.worker
    assert side.worker.pid
    for process in Family.now().below(side.worker.pid):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def executions(log: Path) -> dict[str, list[float]]:
    """When each job got to its end, by its number; more than once where it was executed again."""
    found: dict[str, list[float]] = {}
    for line in log.read_text("ascii").splitlines():
        number, _, moment = line.partition(" ")
        found.setdefault(number, []).append(float(moment))
    return found


async def _reached(side: Side, who: Who, jobs: int, within_s: float) -> Standing:
    async with asyncio.timeout(within_s):
        while (standing := await side.standing(who)).done < jobs:  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(LOOK_S)
    return standing
