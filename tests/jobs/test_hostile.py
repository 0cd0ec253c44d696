"""Requests made to hurt: each is answered for itself, none with an error of ours."""

import asyncio
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
import pytest

from tests.e2e.people import Person

JSON = {"Content-Type": "application/json"}
NUL = quote("\0")


def job(value: str) -> bytes:
    return b'{"processor": "noop", "value": %s}' % value.encode()


BODIES = {
    "a date without a zone": b'{"processor": "noop", "run_at": "2030-01-01T00:00:00"}',
    "a date before time": b'{"processor": "noop", "run_at": "0001-01-01T00:00:00+14:00"}',
    "a date after time": b'{"processor": "noop", "run_at": "9999-12-31T23:59:59-14:00"}',
    "a number beyond floats": job("1e999"),
    "a very long number": job("1" * 5_000),
    "a very small number": job("1e-400"),
    "half a surrogate": job('"\\ud800"'),
    "nesting beyond any stack": job("[" * 200_000 + "]" * 200_000),
    "deep nesting": job("[" * 3_000 + "]" * 3_000),
    "nesting at the edge": job("[" * 900 + "]" * 900),
    "NUL in a value": job('{"a": ["\\u0000"]}'),
    "NUL in a key of a value": job('{"\\u0000": 1}'),
    "NUL in parameters": b'{"processor": "noop", "params": {"a": "\\u0000"}}',
    "NUL in a name": b'{"steps": [{"processor": "noop", "name": "a\\u0000"}]}',
    "a newline after a name": b'{"steps": [{"processor": "noop", "name": "a\\n"}]}',
    "a name like a path": b'{"steps": [{"processor": "noop", "name": "../a"}]}',
    "a queue like a subject": b'{"processor": "noop", "queue": "a.>"}',
    "infinite patience": b'{"processor": "noop", "timeouts": {"queue_s": 1e300}}',
    "no patience": b'{"processor": "noop", "timeouts": {"total_s": 0}}',
    "a long label": b'{"processor": "noop", "labels": {"a": "%s"}}' % (b"x" * 10_000),
    "a long key of a label": b'{"processor": "noop", "labels": {"%s": "a"}}' % (b"x" * 64),
    "too many labels": b'{"processor": "noop", "labels": {%s}}'
    % b",".join(b'"%d": ""' % n for n in range(33)),
    "a key twice": b'{"processor": "noop", "processor": "wait"}',
    "each of no list": b'{"steps": [{"processor": "noop", "each": true}], "value": 1}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
async def test_a_hostile_job_hurts_nobody_who_submits_beside_it(ann: Person, body: bytes) -> None:
    good = [ann.ask("POST", "/v1/jobs", json={"processor": "noop"}) for _ in range(6)]
    bad = ann.ask("POST", "/v1/jobs", content=body, headers=JSON)

    answers = await asyncio.gather(*good[:3], bad, *good[3:])

    hurt = answers.pop(3)
    assert [answer.status_code for answer in answers] == [202] * 6
    assert hurt.status_code in {202, 400, 422}, hurt.text
    assert hurt.status_code == 202 or msgspec.json.decode(hurt.content)["code"]


UNKNOWN = UUID("0195f3a0-0000-7000-8000-000000000000")
READS = [
    f"/v1/jobs?label=a:{NUL}",
    f"/v1/jobs?processor={NUL}",
    "/v1/jobs?label=a",
    "/v1/jobs?label=:",
    "/v1/jobs?cursor=",
    "/v1/jobs?cursor=00000000000000000000000000000000",
    f"/v1/jobs?cursor={'f' * 32}",
    "/v1/jobs?limit=0",
    "/v1/jobs?limit=99999999999999999999",
    "/v1/jobs?status=%F0%9F%98%80",
    f"/v1/jobs/{UNKNOWN}/steps/{NUL}/result",
    f"/v1/jobs/{UNKNOWN}/steps/..%2f..%2fa/result",
    f"/v1/jobs/{UNKNOWN}/result?format=exe",
    f"/v1/pipelines/{NUL}",
    f"/v1/pipelines/{'x' * 10_000}",
]


@pytest.mark.parametrize("path", READS)
async def test_a_hostile_read_is_refused_or_finds_nothing(ann: Person, path: str) -> None:
    answer = await ann.ask("GET", path)

    assert answer.status_code in {200, 400, 404}, answer.text


@pytest.mark.parametrize(
    "cursor", ["-1", "99999999999999999999", "1.5", "abc", "", "0x1", "\u0661"]
)
async def test_a_hostile_cursor_of_events_is_refused_or_finds_nothing(
    ann: Person, cursor: str
) -> None:
    job_id = (await ann.ask("POST", "/v1/jobs", json={"processor": "noop"})).json()["id"]

    answer = await ann.ask("GET", f"/v1/jobs/{job_id}/events", params={"cursor": cursor})

    assert answer.status_code in {200, 400}, answer.text


PIPELINES: dict[str, dict[str, Any]] = {
    "no steps": {"name": "p", "steps": []},
    "too many steps": {"name": "p", "steps": [{"processor": "noop"}] * 51},
    "no name": {"name": "", "steps": [{"processor": "noop"}]},
    "a name like a path": {"name": "a/b", "steps": [{"processor": "noop"}]},
    "NUL in its name": {"name": "a\0", "steps": [{"processor": "noop"}]},
    "NUL in its summary": {"name": "p", "summary": "\0", "steps": [{"processor": "noop"}]},
    "a long summary": {"name": "p", "summary": "s" * 501, "steps": [{"processor": "noop"}]},
    "NUL in a processor": {"name": "p", "steps": [{"processor": "\0"}]},
    "a long name": {"name": "n" * 5_000, "steps": [{"processor": "noop"}]},
    "an unknown field": {"name": "p", "steps": [{"processor": "noop"}], "colour": "red"},
    "an unknown processor": {"name": "p", "steps": [{"processor": "nobody"}]},
}


@pytest.mark.parametrize("body", PIPELINES.values(), ids=list(PIPELINES))
async def test_a_hostile_pipeline_is_refused(ann: Person, body: dict[str, Any]) -> None:
    answer = await ann.ask("POST", "/v1/pipelines", json=body)

    assert answer.status_code in {400, 422}, answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"grace_s": 301}', 400),
        (b'{"grace_s": -1}', 400),
        (b'{"grace_s": "soon"}', 400),
        (b'{"reason": "%s"}' % (b"x" * 501), 400),
        (b'{"colour": "red"}', 400),
        (b'{"reason": "\xff"}', 400),
        (b'{"reason": "%s"}' % (b"x" * 1_100_000), 413),
    ],
)
async def test_a_hostile_cancel_is_refused_and_cancels_nothing(
    ann: Person, body: bytes, status: int
) -> None:
    order = {"processor": "noop", "run_at": "2100-01-01T00:00:00Z"}
    job_id = (await ann.ask("POST", "/v1/jobs", json=order)).json()["id"]

    answer = await ann.ask("POST", f"/v1/jobs/{job_id}/cancel", content=body, headers=JSON)

    after = await ann.ask("GET", f"/v1/jobs/{job_id}")
    assert answer.status_code == status, answer.text
    assert after.json()["status"] == "scheduled"


async def test_jobs_as_large_as_a_body_may_be_end_and_hold_nobody_up(ann: Person) -> None:
    large = {"processor": "reverse_string", "value": "x" * 1_048_500}
    heavy = {"processor": "wait", "params": {"seconds": 0}, "value": "x" * 700_000}
    small = {"processor": "wait", "params": {"seconds": 0}, "value": "x"}

    orders = [large, heavy, heavy, heavy, heavy, small, small]
    answers = await asyncio.gather(*[ann.ask("POST", "/v1/jobs", json=order) for order in orders])

    jobs = await asyncio.gather(*[ann.ended(answer.json()["id"]) for answer in answers])
    assert [job.status for job in jobs] == ["succeeded"] * len(orders)
