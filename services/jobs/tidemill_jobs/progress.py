"""How far a running job is: NATS has its last word, PostgreSQL that of the last event."""

from contextlib import suppress

import msgspec
from litestar import Litestar
from msgspec.structs import replace
from nats.aio.client import Client

from tidemill_contracts.jobs import Job, JobStatus, Progress
from tidemill_kit import streams
from tidemill_kit.streams import PROGRESS, StreamRefused

AT_WORK = frozenset({JobStatus.RUNNING, JobStatus.CANCELLING})
PATIENCE_S = 0.5


async def with_progress(app: Litestar, job: Job) -> Job:
    """The job with its latest progress; as it is stored where NATS is away."""
    client: Client | None = app.state.client
    if job.status not in AT_WORK or client is None or not client.is_connected:
        return job
    subject = f"tm.progress.{job.tenant_id.hex}.{job.id.hex}"
    with suppress(StreamRefused):
        said = await streams.last(client, PROGRESS, subject, timeout_s=PATIENCE_S)
        latest = None if said is None else msgspec.json.decode(said, type=Progress)
        if latest and (job.progress is None or latest.at > job.progress.at):
            return replace(job, progress=latest)
    return job
