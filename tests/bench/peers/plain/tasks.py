"""The Celery application: prefork workers, Redis as broker and result backend."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import redis
from celery import Celery, chain
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from plain.models import Job
from plain.settings import REDIS_URL, SYNC_URL

app = Celery("plain", broker=REDIS_URL, backend=REDIS_URL)
engine = create_engine(SYNC_URL)
sessions = sessionmaker(engine)
notices = redis.Redis.from_url(REDIS_URL)


def notify(job: Job) -> None:
    text = json.dumps({"job_id": str(job.id), "status": job.status, "result": job.result})
    notices.publish(f"user:{job.user}", text)


def begin(session: Session, job_id: str) -> Job:
    """Read the row, write `running`, commit, notify."""
    job = session.get_one(Job, UUID(job_id))
    job.status = "running"
    session.commit()
    notify(job)
    return job


def complete(session: Session, job: Job, result: Any) -> None:
    job.status, job.result = "completed", result
    session.commit()
    notify(job)


def noop() -> None:
    """Do nothing."""


def spin(rounds: int) -> int:
    """The same work as the processor `spin` does for Tidemill."""
    total = 0
    for number in range(rounds):
        total += number * number % 7
    return total


def nap(seconds: float, log: str, line: str) -> None:
    """The same work as the processor `nap` does for Tidemill."""
    threading.Event().wait(seconds)
    with Path(log).open("a", encoding="ascii") as file:
        file.write(f"{line} {time.time()}\n")


WORK: dict[str, Callable[..., Any]] = {"noop": noop, "spin": spin, "nap": nap}


@app.task
def run_job(job_id: str) -> None:
    with sessions() as session:
        job = begin(session, job_id)
        complete(session, job, WORK[job.kind](**job.params))


def keep(session: Session, job: Job, value: int) -> int:
    """Commit a partial result, notify, and hand it to the next task."""
    job.partial = [*job.partial, value]
    session.commit()
    notify(job)
    return value


@app.task
def add(job_id: str, amount: int) -> int:
    with sessions() as session:
        job = begin(session, job_id)
        return keep(session, job, job.params["value"] + amount)


@app.task
def multiply(value: int, job_id: str, factor: int) -> int:
    with sessions() as session:
        return keep(session, session.get_one(Job, UUID(job_id)), value * factor)


@app.task
def subtract(value: int, job_id: str, amount: int) -> int:
    with sessions() as session:
        job = session.get_one(Job, UUID(job_id))
        result = value - amount
        job.partial = [*job.partial, result]
        complete(session, job, result)
        return result


def arithmetic(job_id: str) -> None:
    """Add 5, multiply by 2, subtract 10."""
    chain(add.s(job_id, 5), multiply.s(job_id, 2), subtract.s(job_id, 10)).delay()
