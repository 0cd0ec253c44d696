"""The book: the jobs of one group in memory, with what else decisions rest on."""

from uuid import UUID

from msgspec import Struct, field

from tidemill_jobs.records import Facts, JobRecord, Key


class IdempotencyKey(Struct, frozen=True):
    """A client's key on a route, with the fingerprint of what it sent."""

    tenant_id: UUID
    route: str
    key: str
    fingerprint: bytes


class Accepted(Struct, frozen=True):
    """The answer to a submit: the job as JSON, and whether it is an earlier answer again."""

    job_id: UUID
    body: bytes
    replayed: bool = False


class Book(Struct, kw_only=True):
    """The jobs of one group, locked and in memory, with what else decisions rest on."""

    facts: Facts
    jobs: dict[UUID, JobRecord] = field(default_factory=dict[UUID, JobRecord])
    keys: dict[tuple[UUID, str, str], "StoredAnswer"] = field(
        default_factory=dict[tuple[UUID, str, str], "StoredAnswer"],
    )
    added: list[JobRecord] = field(default_factory=list[JobRecord])
    new_keys: list["KeyRow"] = field(default_factory=list["KeyRow"])
    touched: set[UUID] = field(default_factory=set[UUID])
    key_rows: dict[Key, UUID] = field(default_factory=dict[Key, UUID])

    def changed(self) -> list[JobRecord]:
        """The jobs that this group made or looked at, in the order of their ids."""
        return [self.jobs[job_id] for job_id in sorted(self.touched) if job_id in self.jobs]

    def touch(self, job_id: UUID) -> JobRecord | None:
        job = self.jobs.get(job_id)
        if job is not None:
            self.touched.add(job_id)
        return job


class KeyRow(Struct, frozen=True):
    """An idempotency key with the answer that its repetitions get."""

    tenant_id: UUID
    route: str
    key: str
    fingerprint: bytes
    body: bytes
    status: int


class StoredAnswer(Struct, frozen=True):
    fingerprint: bytes
    accepted: Accepted
