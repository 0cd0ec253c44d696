"""Things to test with: any Struct, filled in full, the same each time."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, inspect

from tidemill_contracts.datasets import Dataset
from tidemill_contracts.identity import Principal, Role
from tidemill_contracts.jobs import Job, JobStatus, Step

PATIENCE_S = 120.0  # what a test waits for at most; only a fault takes so long
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
TEXTS = {
    "email": "ann@example.org",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "step": "normalize",
    "processor": "normalize",
    "worker": "worker-1",
    "queue": "default",
    "uri": "/v1/jobs/01920000-0000-7000-8000-000000000004/result",
    "media_type": "application/json",
    "cursor": "1.42",
}
IDS = ("id", "tenant_id", "user_id", "job_id", "dataset_id", "session_id", "api_key_id")


def a[S](kind: type[S], **given: Any) -> S:
    """A Struct of this kind with every field set; those that matter are given."""
    found: Any = inspect.type_info(kind)
    fields = {field.name: _value(field.type, field.name) for field in found.fields}
    return kind(**{**fields, **given})


def a_job(status: JobStatus = JobStatus.QUEUED, **given: Any) -> Job:
    """A job of one step that has not run yet."""
    absent = {field.name: field.default for field in msgspec.structs.fields(Job) if _absent(field)}
    steps = [Step(name="add", processor="add", params={"amount": 5})]
    return a(Job, **{**absent, "status": status, "steps": steps, **given})


def a_dataset(**given: Any) -> Dataset:
    return a(Dataset, **{"error": UNSET, **given})


def a_principal(role: Role = Role.ADMIN, **given: Any) -> Principal:
    return a(Principal, **{"role": role, "system_admin": False, **given})


def an_id(name: str = "id") -> UUID:
    """The id that every builder gives a field of this name."""
    number = IDS.index(name) if name in IDS else len(IDS)
    return UUID(int=(0x01920000_0000_7000_8000 << 48) | (number + 1))


def _absent(field: msgspec.structs.FieldInfo) -> bool:
    return field.default is None or field.default is UNSET


def _value(kind: inspect.Type, name: str) -> Any:
    """What a field of this name and type holds; an optional one is there."""
    match kind:
        case inspect.Metadata():
            return _value(kind.type, name)
        case inspect.UnionType():
            return _value(kind.types[0], name)
        case inspect.StructType():
            return a(kind.cls)
        case inspect.ListType():
            return [_value(kind.item_type, name.removesuffix("s"))]
        case inspect.DictType():
            return {"team": _value(kind.value_type, name)}
        case inspect.EnumType():
            return next(iter(kind.cls))
        case _:
            return _plain(kind, name)


def _plain(kind: inspect.Type, name: str) -> Any:
    match kind:
        case inspect.StrType():
            return TEXTS.get(name, name)
        case inspect.UUIDType():
            return an_id(name)
        case inspect.DateTimeType():
            return NOON
        case inspect.BoolType():
            return False
        case inspect.IntType():
            return 1
        case inspect.FloatType():
            return 1.5
        case _:
            return 20
