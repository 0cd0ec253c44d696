"""M1, M1w and M2: how fast jobs are accepted, and how fast they get done."""

from itertools import repeat

from tests.bench.load import fire
from tests.bench.side import at_work
from tests.bench.trial import Ground

WARM_UP_S = 0.5


async def accepted(ground: Ground) -> None:
    """M1: 64 connections submit no-op jobs while no worker runs; then all must get done."""
    assert ground.side.worker
    await at_work(ground.side)
    await ground.side.worker.stop()
    await _submit(ground)


async def accepted_at_work(ground: Ground) -> None:
    """M1w: the same with the worker running."""
    await at_work(ground.side)
    await _submit(ground)


async def done(ground: Ground) -> None:
    """M2: from the first request until PostgreSQL holds the last job as succeeded."""
    side, trial, jobs = ground.side, ground.trial, ground.scale.m2_jobs
    await at_work(side)
    who = await side.newcomer()
    window = ground.window()
    requests = repeat(side.job(who, "noop"), jobs)
    sample = await fire(ground.door.http, requests, within_s=ground.scale.load_s)
    accepted = len(sample.seconds)
    standing = await ground.all_done(who, accepted)
    ground.account(window, accepted)
    trial.expect("refused", sample.refused, "")
    trial.figures["done_per_s"] = standing.done / (standing.last - sample.began)


async def _submit(ground: Ground) -> None:
    side, door, trial = ground.side, ground.door, ground.trial
    warm, who = await side.newcomer(), await side.newcomer()
    early = await fire(door.http, repeat(side.job(warm, "noop")), within_s=WARM_UP_S)
    window = ground.window()
    sample = await fire(door.http, repeat(side.job(who, "noop")), within_s=ground.scale.m1_s)
    ground.account(window, len(sample.seconds))
    held = await side.standing(who)
    trial.expect("refused", sample.refused, "")
    trial.expect("rows in PostgreSQL at once", held.accepted, len(sample.seconds))
    trial.figures |= {"accepted_per_s": sample.rate, "p99_ms": sample.quantile_ms(0.99)}
    await at_work(side)
    await ground.all_done(warm, len(early.seconds))
    await ground.all_done(who, len(sample.seconds))
