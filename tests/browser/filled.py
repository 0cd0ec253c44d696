"""A tenant that has something of everything, and the pages that show it."""

from asyncio import gather
from pathlib import Path
from uuid import UUID

from tests.browser.visitor import Visitor
from tidemill_client.client import Client

PAGES = {
    "overview": "/",
    "jobs": "/jobs",
    "job": "/jobs/{failed}",
    "job-attempts": "/jobs/{failed}?tab=attempts",
    "job-events": "/jobs/{failed}?tab=events",
    "job-anomalies": "/jobs/{anomalies}",
    "job-metrics": "/jobs/{metrics}",
    "job-running": "/jobs/{running}?tab=logs",
    "job-pipeline": "/jobs/{pipeline}",
    "job-graph": "/jobs/{pipeline}?tab=graph",
    "new-job": "/jobs/new?processor=normalize&dataset={dataset}",
    "datasets": "/datasets",
    "trash": "/datasets?trash=yes",
    "dataset": "/datasets/{dataset}",
    "dataset-columns": "/datasets/{dataset}?tab=columns",
    "dataset-rejects": "/datasets/{dataset}?tab=rejects",
    "dataset-detected": "/datasets/{dataset}?tab=detected",
    "pipelines": "/pipelines",
    "pipeline": "/pipelines/arithmetic",
    "new-pipeline": "/pipelines/new",
    "schedules": "/schedules",
    "schedule": "/schedules/{schedule}",
    "schedule-edit": "/schedules/{schedule}?tab=edit",
    "new-schedule": "/schedules/new",
    "events": "/events?after=start",
    "queues": "/queues",
    "workers": "/workers",
    "failures": "/failures",
    "webhooks": "/webhooks",
    "webhook": "/webhooks/{webhook}",
    "api-keys": "/api-keys",
    "sessions": "/sessions",
    "members": "/members",
    "audit": "/audit",
    "usage": "/usage",
    "nowhere": "/nowhere",
}
DOORS = {
    "sign-in": "/sign-in",
    "sign-up": "/sign-up",
    "setup": "/setup#a-token",
    "invitation": "/invitation#a-token",
    "reset": "/reset",
}


async def fill(visitor: Visitor, files: Path) -> dict[str, str]:
    """Names of what was made, as the pages ask for them."""
    async with visitor.client() as client:
        await gather(_access(visitor), _data_thrown_away(client, files))
        jobs, dataset = await gather(_jobs(visitor, client), client.upload(files / "cars.json"))
        over = await gather(
            *[
                visitor.submit(processor=name, dataset_id=str(dataset.id))
                for name in ("detect_anomalies", "compute_metrics")
            ]
        )
        order = {"name": "nightly", "cron": "0 3 * * *", "job": {"processor": "random_number"}}
        schedule = (await visitor.made("/v1/schedules", order))["id"]
        await visitor.made(f"/v1/schedules/{schedule}/run", {})
        for job in (*over, jobs["failed"], jobs["pipeline"]):
            await client.wait(UUID(job))
    made = {"dataset": str(dataset.id), "anomalies": over[0], "metrics": over[1]}
    hook = {"url": "http://127.0.0.1:9/", "types": ["job.failed"], "after": "start"}
    webhook = (await visitor.made("/v1/webhooks", hook))["id"]
    return jobs | made | {"schedule": schedule, "webhook": webhook}


async def _access(visitor: Visitor) -> None:
    await visitor.made("/v1/api-keys", {"name": "pipeline of the night"})
    await visitor.made("/v1/invitations", {"email": "ada@example.org"})


async def _data_thrown_away(client: Client, files: Path) -> None:
    dataset = await client.upload(files / "seattle-weather.csv", name="old weather")
    await client.wait_dataset(dataset.id)
    await client.delete_dataset(dataset.id)


async def _jobs(visitor: Visitor, client: Client) -> dict[str, str]:
    """One of each kind, and a few that wait."""
    labels = {"team": "sea", "purpose": "a look at all pages"}
    later = {"processor": "noop", "run_at": "2099-01-01T00:00:00Z"}
    failed, running, *_ = await gather(
        visitor.submit(processor="fail", params={"kind": "data"}, labels=labels),
        visitor.submit(processor="wait", params={"seconds": 45}, labels=labels),
        *[visitor.submit(**later) for _ in range(3)],
    )
    pipeline = await visitor.made("/v1/pipelines/arithmetic/jobs", {"value": 2**53 + 1})
    exhausted = await client.submit(processor="fail", params={"kind": "transient"}, max_attempts=1)
    await client.wait(exhausted.id)
    return {"failed": failed, "pipeline": pipeline["id"], "running": running}
