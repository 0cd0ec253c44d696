"""M6: how much of the processors reaches the jobs, and how the API answers meanwhile."""

import asyncio
import os
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context

from tests.bench.load import Caller, fire, quantile_ms
from tests.bench.processors.work import Spin, spin
from tests.bench.side import at_work
from tests.bench.trial import Ground

JOB_S = 0.020
PACE_S = 0.005
PROBE_ROUNDS = 200_000
BARE_LOOPS = 40


async def cpu_bound(ground: Ground) -> None:
    """Wall time over what the same loops take bare, on all processors at once, right before."""
    side, trial, jobs = ground.side, ground.trial, ground.scale.m6_jobs
    await at_work(side)
    who = await side.newcomer()
    idle = await _paced(ground, asyncio.create_task(asyncio.sleep(ground.scale.m6_idle_s)))
    rounds = rounds_of_a_job()
    loop_s = await asyncio.to_thread(bare_loop_s, rounds)
    window = ground.window()
    requests = repeat(side.job(who, "spin", rounds=rounds), jobs)
    sample = await fire(ground.door.http, requests, connections=8)
    busy = await _paced(ground, asyncio.create_task(ground.all_done(who, jobs)))
    ground.account(window, jobs)
    standing = await side.standing(who)
    trial.expect("refused", sample.refused, "")
    trial.figures |= {
        "wall_over_ideal": (standing.last - sample.began) / (jobs * loop_s / _cores()),
        "loop_ms": 1000 * loop_s,
        "idle_p99_ms": quantile_ms(idle, 0.99),
        "busy_p99_ms": quantile_ms(busy, 0.99),
    }


async def _paced[T](ground: Ground, until: asyncio.Task[T]) -> list[float]:
    """Ask the API each 5 ms until the task has ended; seconds of each answer."""
    caller = await Caller.open(ground.door.http)
    request, seconds = ground.side.alive(), list[float]()
    due = time.perf_counter()
    while not until.done():
        began = time.perf_counter()
        await caller.ask(request, 200)
        seconds.append(time.perf_counter() - began)
        due = max(due + PACE_S, time.perf_counter())
        await asyncio.sleep(due - time.perf_counter())
    caller.close()
    await until
    return seconds


def rounds_of_a_job() -> int:
    """How many rounds of the loop take 20 ms now; both sides get the same of a pair of runs."""
    if not _ROUNDS:
        took = min(_timed(PROBE_ROUNDS) for _ in range(5))
        _ROUNDS.append(round(PROBE_ROUNDS * JOB_S / took))
    return _ROUNDS[0]


_ROUNDS: list[int] = []


def bare_loop_s(rounds: int) -> float:
    """Seconds of one job's loop while every processor runs one, without any system around it."""
    with ProcessPoolExecutor(_cores(), mp_context=get_context("spawn")) as pool:
        list(pool.map(_timed, [1] * _cores()))
        took = list(pool.map(_loops, repeat(rounds, _cores())))
    return sum(took) / len(took)


def _loops(rounds: int) -> float:
    return sum(_timed(rounds) for _ in range(BARE_LOOPS)) / BARE_LOOPS


def _timed(rounds: int) -> float:
    began = time.perf_counter()
    spin(Spin(rounds))
    return time.perf_counter() - began


def _cores() -> int:
    return os.cpu_count() or 1
