"""The FastAPI application: jobs in, status out, and a WebSocket fed by Redis pub/sub."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from plain.models import Job, Model
from plain.settings import ASYNC_URL, FILES, REDIS_URL
from plain.tasks import arithmetic, run_job

# kinder than the default 5 + 10, whose overflow connections are opened anew each time
engine = create_async_engine(ASYNC_URL, pool_size=20, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
sockets: defaultdict[str, set[WebSocket]] = defaultdict(set)


class SubmitJob(BaseModel):
    user: str = Field(max_length=64)
    kind: str = Field(pattern="^(noop|spin|nap)$")
    params: dict[str, Any] = {}


class SubmitPipeline(BaseModel):
    user: str = Field(max_length=64)
    value: int


class JobOut(BaseModel):
    """A job as the API shows it."""

    id: UUID
    user: str
    kind: str
    status: str
    partial: list[Any]
    result: Any


async def forward() -> None:
    """One subscription for the whole process: each notice goes to its user's sockets."""
    async with Redis.from_url(REDIS_URL).pubsub() as notices:
        await notices.psubscribe("user:*")
        async for notice in notices.listen():
            if notice["type"] == "pmessage":
                user, text = notice["channel"].decode()[5:], notice["data"].decode()
                for socket in list(sockets[user]):
                    await socket.send_text(text)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)
    forwarding = asyncio.create_task(forward())
    yield
    forwarding.cancel()
    with suppress(asyncio.CancelledError):
        await forwarding
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def opened() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Opened = Annotated[AsyncSession, Depends(opened)]


@app.post("/jobs", status_code=202)
async def submit(order: SubmitJob, session: Opened) -> JobOut:
    job = Job(user=order.user, kind=order.kind, params=order.params)
    session.add(job)
    await session.commit()
    run_job.delay(str(job.id))
    return JobOut.model_validate(job, from_attributes=True)


@app.post("/pipeline", status_code=202)
async def submit_pipeline(order: SubmitPipeline, session: Opened) -> JobOut:
    job = Job(user=order.user, kind="arithmetic", params={"value": order.value})
    session.add(job)
    await session.commit()
    arithmetic(str(job.id))
    return JobOut.model_validate(job, from_attributes=True)


@app.get("/jobs/{job_id}")
async def show(job_id: UUID, session: Opened) -> JobOut:
    job = await session.get(Job, job_id)
    if job is None:
        raise HTTPException(404)
    return JobOut.model_validate(job, from_attributes=True)


@app.post("/files/{name}", status_code=201)
async def keep_file(name: UUID, request: Request) -> str:
    """A file as it comes, onto the disk; no digest, no object store."""
    path = Path(FILES) / str(name)
    with path.open("wb") as out:
        async for chunk in request.stream():
            out.write(chunk)
    return str(path)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.websocket("/ws/{user}")
async def listen(socket: WebSocket, user: str) -> None:
    await socket.accept()
    sockets[user].add(socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        sockets[user].discard(socket)
