"""A job that was cancelled before it ran, as a file, and files that are not what they say."""

import hashlib
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from tests.builders import NOON
from tidemill_contracts.fold import fold
from tidemill_contracts.job_events import JobCancelled, JobEvent, JobSubmitted
from tidemill_contracts.jobs import Cancel, CancelOutcome, Step
from tidemill_contracts.pages import StreamedEvent

JOB, TENANT = UUID(int=1), UUID(int=2)
OF: dict[str, Any] = {"job_id": JOB, "tenant_id": TENANT, "at": NOON}
CANCEL = Cancel(requested_at=NOON, outcome=CancelOutcome.NOT_STARTED)
EVENTS: list[JobEvent] = [
    JobSubmitted(seq=1, steps=[Step(name="add", processor="add")], **OF),
    JobCancelled(seq=2, cancel=CANCEL, **OF),
]


def parts(events: list[JobEvent] = EVENTS, **other: bytes) -> dict[str, bytes]:
    told = [StreamedEvent(f"1.{each.seq}", msgspec.to_builtins(each)) for each in events]
    bodies = {
        "job.json": msgspec.json.encode(fold(EVENTS)),
        "events.ndjson": b"".join(msgspec.json.encode(each) + b"\n" for each in told),
        "attempts.json": b"[]",
        "log.ndjson": b"",
        "values.json": b"{}",
    }
    return bodies | {name.replace("_", "."): body for name, body in other.items()}


def parts_of(bodies: dict[str, bytes]) -> list[dict[str, Any]]:
    return [
        {"name": name, "size_bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        for name, body in bodies.items()
    ]


def written(file: Path, bodies: dict[str, bytes], **manifest: Any) -> Path:
    listed = parts_of(bodies)
    given = {"format": "tidemill-job", "version": 1, "made_at": NOON, "made_by": "a test"}
    made = msgspec.json.encode({**given, "job_id": JOB, "parts": listed, **manifest})
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("manifest.json", made)
        for name, body in bodies.items():
            target.writestr(name, body)
    return file


HOSTILE: dict[str, dict[str, Any]] = {
    "another job's events": {"manifest": {"job_id": UUID(int=9)}},
    "an id without its time": {
        "bodies": parts([replace(each, job_id=UUID(int=2**128 - 1)) for each in EVENTS]),
        "manifest": {"job_id": UUID(int=2**128 - 1)},
    },
    "a hole": {"bodies": parts(EVENTS[1:])},
    "half of its life": {"bodies": parts(EVENTS[:1])},
    "of nothing": {"bodies": parts([])},
    "no JSON": {"bodies": parts(job_json=b"{")},
    "another shape": {"bodies": parts(attempts_json=b'{"a": 1}')},
    "no text": {"bodies": parts(values_json=b'{"a": "\xff"}')},
    "one more file": {"bodies": parts() | {"../../evil": b""}},
    "a later version": {"manifest": {"version": 2}},
    "another format": {"manifest": {"format": "tar"}},
    "one part five times": {
        "manifest": {"parts": [{"name": "job.json", "size_bytes": 0, "sha256": ""}] * 5}
    },
    "no cursor": {"bodies": parts(events_ndjson=parts()["events.ndjson"].replace(b"1.2", b"x"))},
}
