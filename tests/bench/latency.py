"""M3 and M4: from the request to the frame that says it has succeeded; pipelines a second."""

import time
from collections.abc import Iterable, Iterator
from itertools import count, islice, repeat

import msgspec

from tests.bench.load import Caller, fire, quantile_ms
from tests.bench.side import Door, Endings, at_work
from tests.bench.trial import Ground


class Named(msgspec.Struct):
    id: str


async def single(ground: Ground) -> None:
    """M3: one no-op job after another, each until its frame has come."""
    side = ground.side
    await at_work(side)
    who = await side.newcomer()
    endings = await Endings.open(side, who, ground.door)
    request = side.job(who, "noop")
    wanted = ground.scale.m3_jobs
    await _latency(ground, endings, repeat(request), wanted)
    await ground.all_done(who, wanted + ground.scale.warm_up)


async def pipeline(ground: Ground) -> None:
    """M4: the same with pipelines of three steps."""
    side = ground.side
    await at_work(side)
    who = await side.newcomer()
    endings = await Endings.open(side, who, ground.door)
    requests = (side.pipeline(who, value) for value in count())
    wanted = ground.scale.m4_jobs
    await _latency(ground, endings, requests, wanted)
    await ground.all_done(who, wanted + ground.scale.warm_up)


async def pipelines(ground: Ground) -> None:
    """M4: many pipelines at once; every partial result is read back and checked."""
    side, trial, wanted = ground.side, ground.trial, ground.scale.m4_pipelines
    await at_work(side)
    who = await side.newcomer()
    window = ground.window()
    requests = (side.pipeline(who, value) for value in range(wanted))
    sample = await fire(ground.door.http, requests, within_s=ground.scale.load_s)
    accepted = len(sample.seconds)
    standing = await ground.all_done(who, accepted)
    ground.account(window, accepted)
    trial.expect("refused", sample.refused, "")
    chains = await side.chains(who)
    trial.expect("inputs", {chain.value for chain in chains}, set(range(accepted)))
    trial.expect("wrong results", sum(not chain.is_right for chain in chains), 0)
    trial.figures["pipelines_per_s"] = standing.done / (standing.last - sample.began)


async def follow(door: Door, endings: Endings, requests: Iterable[bytes]) -> list[float]:
    """Seconds from sending each request to its frame; the frame must be of the job accepted."""
    caller = await Caller.open(door.http)
    seconds: list[float] = []
    for request in requests:
        began = time.perf_counter()
        accepted = msgspec.json.decode(await caller.ask(request, 202), type=Named)
        ended, moment = await endings.next()
        if ended != accepted.id:
            raise LookupError(f"job {accepted.id} was accepted, job {ended} has ended")
        seconds.append(moment - began)
    caller.close()
    return seconds


async def _latency(ground: Ground, endings: Endings, requests: Iterator[bytes], jobs: int) -> None:
    await follow(ground.door, endings, islice(requests, ground.scale.warm_up))
    window = ground.window()
    seconds = await follow(ground.door, endings, islice(requests, jobs))
    ground.account(window, jobs)
    endings.close()
    for name, q in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        ground.trial.figures[name] = quantile_ms(seconds, q)
