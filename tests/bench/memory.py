"""M8: the memory of everything on a fresh system after 200 jobs and 2 s without any."""

import asyncio

from tests.bench.accounting import LOAD, memory_mb
from tests.bench.latency import follow
from tests.bench.side import Endings, at_work
from tests.bench.trial import Ground

REST_S = 2.0


async def idle(ground: Ground) -> None:
    """PSS shares out what processes share; RSS counts it once for each of them."""
    side, jobs = ground.side, ground.scale.m8_jobs
    await at_work(side)
    who = await side.newcomer()
    endings = await Endings.open(side, who, ground.door)
    await follow(ground.door, endings, [side.job(who, "noop")] * jobs)
    endings.close()
    window = ground.window()
    await asyncio.sleep(REST_S)
    rest = ground.trial.usage = window.usage(side.roots())
    pss, rss = memory_mb(side.roots())
    ground.trial.memory_mb = pss
    resting = sum(spent for name, spent in rest.cpu_s.items() if name != LOAD)
    ground.trial.figures |= {
        "cpu_ms_per_s": 1000 * resting / rest.wall_s,
        "pss_mb": sum(pss.values()),
        "rss_mb": sum(rss.values()),
    }
