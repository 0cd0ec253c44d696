"""What a service may do on the bus, in the database and in the object store, and what not."""

import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest
from botocore.exceptions import ClientError

from tests.builders import PATIENCE_S
from tidemill_stack import probes
from tidemill_stack.errors import NotReady
from tidemill_stack.stack import Stack

EVENTS = "$JS.API.CONSUMER.CREATE.EVENTS"


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("processor", "tm.event.t.job.succeeded"),
        ("processor", "tm.work.default.5"),
        ("processor", "tm.rpc.jobs.events"),
        ("processor", "tm.rpc.jobs.verdicts"),
        ("processor", "tm.rpc.jobs.collected"),
        ("processor", "$JS.API.STREAM.DELETE.WORK"),
        ("processor", "$JS.API.STREAM.PURGE.EVENTS"),
        ("processor", "$JS.API.DIRECT.GET.EVENTS"),
        ("processor", f"{EVENTS}.mine"),
        ("ingestion", "tm.event.t.job.succeeded"),
        ("ingestion", "tm.control.cancel"),
        ("ingestion", f"{EVENTS}.jobs-ingestion"),
        ("ingestion", "tm.rpc.jobs.claim"),
        ("identity", "tm.event.t.dataset.ready"),
        ("identity", "$JS.API.STREAM.CREATE.OTHER"),
        ("notifier", "tm.event.t.job.succeeded"),
        ("notifier", "tm.progress.t.j"),
        ("notifier", "tm.log.t.j"),
        ("notifier", "tm.rpc.jobs.lines"),
        ("notifier", "$JS.API.CONSUMER.DELETE.EVENTS.jobs-ingestion"),
        ("jobs", "tm.event.t.user.registered"),
        ("jobs", "_INBOX_processor.x"),
    ],
)
async def test_a_foreign_subject_is_refused(connect_as: Any, user: str, subject: str) -> None:
    client, refused = await connect_as(user)

    await client.publish(subject, b"{}")

    reason = await asyncio.wait_for(refused.get(), PATIENCE_S)
    assert "permissions violation" in reason.lower()


@pytest.mark.parametrize(
    "subject", ["tm.event.>", "tm.work.>", "tm.log.>", "_INBOX_jobs.>", "tm.rpc.jobs.claim"]
)
async def test_a_processor_may_not_listen_to_others(connect_as: Any, subject: str) -> None:
    client, refused = await connect_as("processor")

    await client.subscribe(subject)

    reason = await asyncio.wait_for(refused.get(), PATIENCE_S)
    assert "permissions violation" in reason.lower()


async def test_a_request_is_answered_into_the_inbox_of_whoever_asked(connect_as: Any) -> None:
    jobs, jobs_refused = await connect_as("jobs")
    processor, refused = await connect_as("processor")

    async def grant(message: Any) -> None:
        await message.respond(b"granted")

    await jobs.subscribe("tm.rpc.jobs.claim", cb=grant)
    await jobs.flush()
    answer = await processor.request("tm.rpc.jobs.claim", b"{}", timeout=PATIENCE_S)

    assert answer.data == b"granted"
    assert refused.empty()
    assert jobs_refused.empty()


async def test_a_reader_makes_its_own_durable_and_no_other(connect_as: Any) -> None:
    owner, owner_refused = await connect_as("jobs")
    reader, refused = await connect_as("ingestion")
    await owner.jetstream().add_stream(name="EVENTS", subjects=["tm.event.>"])
    name = "ingestion-jobs"
    config = {"name": name, "durable_name": name, "ack_policy": "explicit"}

    request = msgspec.json.encode({"stream_name": "EVENTS", "config": config})
    own = await reader.request(f"{EVENTS}.{name}", request, timeout=PATIENCE_S)
    await owner.publish("tm.event.t.job.succeeded", b"done")
    bound = await reader.jetstream().pull_subscribe_bind(name, "EVENTS")
    [message] = await bound.fetch(1, timeout=PATIENCE_S)
    await message.ack_sync()
    await owner.jetstream().delete_stream("EVENTS")

    assert b"error" not in own.data
    assert message.data == b"done"
    assert refused.empty()
    assert owner_refused.empty()


async def test_nobody_comes_in_without_a_password(servers: Stack) -> None:
    with pytest.raises(NotReady, match="Authorization"):
        await probes.jetstream(
            "127.0.0.1", int(servers.nats_url.rpartition(":")[2]), "jobs", "guess"
        )


async def test_postgresql_wants_the_password_even_from_this_machine(servers: Stack) -> None:
    url = servers.postgres_url().replace(servers.credentials.postgres_admin, "guess")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url)


async def test_a_service_does_not_see_the_tables_of_another(servers: Stack) -> None:
    connection = await asyncpg.connect(servers.postgres_url("identity"))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("select * from jobs.events")

    await connection.close()


async def test_durable_means_on_disk(servers: Stack) -> None:
    connection = await asyncpg.connect(servers.postgres_url())

    settings = [await connection.fetchval(f"show {n}") for n in ("fsync", "synchronous_commit")]

    await connection.close()
    assert settings == ["on", "on"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/tidemill-datasets/", "/tidemill-results/t/x"])
async def test_a_stranger_gets_nothing_from_the_object_store(
    servers: Stack, method: str, path: str
) -> None:
    status, _ = await probes.http_status(servers.s3_endpoint + path, method, body=b"x")

    assert status == 403


@pytest.mark.parametrize(
    ("identity", "bucket"),
    [
        ("processor", "tidemill-datasets"),
        ("jobs", "tidemill-results"),
    ],
)
async def test_an_identity_may_not_write_where_it_only_reads(
    store_for: Any, identity: str, bucket: str
) -> None:
    store = await store_for(identity)

    with pytest.raises(ClientError, match="AccessDenied"):
        await store.put_object(Bucket=bucket, Key="t/x", Body=b"x")


async def test_what_ingestion_stores_a_processor_reads(store_for: Any) -> None:
    ingestion, processor = await store_for("ingestion"), await store_for("processor")

    await ingestion.put_object(Bucket="tidemill-datasets", Key="t/d/raw", Body=b"a,b\n1,2\n")
    found = await processor.get_object(Bucket="tidemill-datasets", Key="t/d/raw")

    assert await found["Body"].read() == b"a,b\n1,2\n"
    await ingestion.delete_object(Bucket="tidemill-datasets", Key="t/d/raw")


async def test_nothing_but_s3_of_the_object_store_serves_strangers(servers: Stack) -> None:
    ports = {name: servers.ports[name] for name in ("filer", "volume", "master", "admin")}

    asked = {
        "filer": f"http://127.0.0.1:{ports['filer']}/buckets/",
        "volume": f"http://127.0.0.1:{ports['volume']}/1,0100000000",
        "master": f"http://127.0.0.1:{ports['master']}/dir/assign",
        "admin": f"http://127.0.0.1:{ports['admin']}/",
    }

    assert {name: (await probes.http_status(url))[0] for name, url in asked.items()} == {
        "filer": 404,
        "volume": 401,
        "master": 404,
        "admin": 404,
    }
