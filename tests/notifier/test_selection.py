"""Selections: which events are part of a subscription, and who may see them."""

from uuid import UUID

import pytest

from tidemill_contracts.catalogue import encode
from tidemill_contracts.event import Event
from tidemill_contracts.identity import Principal, Role, UserRegistered
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.job_events import JobQueued, JobStarted
from tidemill_contracts.log import Cursor
from tidemill_notifier.ring import Entry
from tidemill_notifier.selection import Selection, key_of, owner_of_topic

TENANT, JOB = uuid7(), uuid7()


def selection(*topics: str, types: list[str] | None = None, role: Role = Role.VIEWER) -> Selection:
    return Selection(Principal(uuid7(), TENANT, role, uuid7(), now()), topics, types)


def entry(event: Event) -> Entry:
    return Entry(Cursor(1, 1), event.subject, encode(event))


def queued(*, tenant: UUID = TENANT, job: UUID = JOB, system: bool = False) -> Entry:
    return entry(JobQueued(tenant_id=tenant, seq=1, job_id=job, system=system))


def test_all_is_everything_of_the_tenant() -> None:
    chosen = selection("all")

    assert chosen.wants(queued())
    assert not chosen.wants(queued(tenant=uuid7()))


def test_a_topic_is_one_thing_of_the_tenant() -> None:
    chosen = selection(f"job.{JOB}")

    assert chosen.wants(queued())
    assert not chosen.wants(queued(job=uuid7()))
    assert not chosen.wants(queued(tenant=uuid7()))


def test_system_jobs_come_by_their_own_topic_alone() -> None:
    system = queued(system=True)

    assert not selection("all").wants(system)
    assert selection(f"job.{JOB}").wants(system)
    assert selection("all", f"job.{JOB}").wants(system)


@pytest.mark.parametrize(
    ("types", "wanted"),
    [
        (None, True),
        ([], False),
        (["job.queued"], True),
        (["job.*"], True),
        (["job.started", "dataset.*"], False),
    ],
)
def test_types_narrow_a_selection(types: list[str] | None, wanted: bool) -> None:
    assert selection("all", types=types).wants(queued()) is wanted


def test_what_is_about_users_comes_to_admins_alone() -> None:
    user = entry(
        UserRegistered(tenant_id=TENANT, seq=1, user_id=uuid7(), email="a@b.c", role=Role.VIEWER),
    )

    assert selection("all", role=Role.ADMIN).wants(user)
    assert not selection("all", role=Role.OPERATOR).wants(user)
    assert not selection("all", types=["user.*"]).wants(user)


def test_the_stream_is_asked_for_no_more_than_is_needed() -> None:
    prefix = f"tm.event.{TENANT.hex}"

    assert selection("all", f"job.{JOB}").subjects == f"{prefix}.>"
    assert selection(f"job.{JOB}").subjects == f"{prefix}.job.>"
    assert selection(f"job.{JOB}", f"dataset.{JOB}").subjects == f"{prefix}.>"


def test_a_topic_names_its_owner_and_its_key() -> None:
    assert owner_of_topic(f"job.{JOB}") == "jobs"
    assert owner_of_topic(f"dataset.{JOB}") == "ingestion"
    assert key_of(f"job.{JOB}") == JOB


@pytest.mark.parametrize("text", ["job." + "-" * 36, "job." + "0" * 32 + "----", "job."])
def test_what_is_no_id_has_no_key(text: str) -> None:
    assert key_of(text) is None


def test_a_started_job_has_a_type_of_its_own() -> None:
    started = entry(
        JobStarted(tenant_id=TENANT, seq=2, job_id=JOB, attempt=1, worker="w", steps=["a"]),
    )

    assert selection("all", types=["job.started"]).wants(started)
    assert not selection("all", types=["job.queued"]).wants(started)
