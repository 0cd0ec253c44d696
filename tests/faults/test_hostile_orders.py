"""What cannot be stored or is too much hurts nobody whose order is decided in the same group."""

import asyncio
import json
from typing import Any

from tests.e2e.conftest import Register
from tests.e2e.people import Person
from tests.faults.audit import audit
from tests.faults.load import Load, a_mix, arithmetic, noop
from tidemill_stack.stack import Stack

NUL = "a\0b"
STEP = {"processor": "noop"}
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "NUL in a label": ({**STEP, "labels": {"team": NUL}}, 422, "labels"),
    "NUL in a label's key": ({**STEP, "labels": {NUL: "a"}}, 422, "labels"),
    "a long label": ({**STEP, "labels": {"team": "x" * 10_240}}, 400, "labels"),
    "a circle": (
        {"steps": [{**STEP, "name": "a", "needs": ["b"]}, {**STEP, "name": "b", "needs": ["a"]}]},
        422,
        "steps",
    ),
    "51 steps": ({"steps": [STEP] * 51}, 400, "steps"),
    "an unknown processor": ({"processor": "no_such"}, 422, "processor"),
    "an unknown name": ({"steps": [{**STEP, "needs": ["nobody"]}]}, 422, "steps"),
    "NUL in a processor": ({"processor": NUL}, 400, "processor"),
    "a parameter of another type": (
        {"processor": "add", "params": {"amount": "5"}, "value": 1},
        422,
        "params",
    ),
    "a lone surrogate": ({**STEP, "labels": {"team": "\ud800"}}, 400, ""),
    "a value over the limit": ({**STEP, "value": "x" * 1_100_000}, 413, ""),
}


async def test_orders_that_cannot_be_taken_hurt_nobody_who_submits_beside_them(
    hurt: Stack, register: Register
) -> None:
    ann, eve = await register(hurt), await register(hurt)
    load, rounds = Load(ann), [*REFUSED.values()] * 3

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.submit(a_mix(50, [noop, arithmetic])))
        refused = [tasks.create_task(refusal(eve, order)) for order, _, _ in rounds]
    found = await audit(hurt, ann.user.tenant_id, load.accepted)

    assert len(found.jobs) == 50
    for task, (_, status, field) in zip(refused, rounds, strict=True):
        answered, fields = task.result()
        assert answered == status, (field, fields)
        assert not field or field in str(fields)
    assert (await eve.client.jobs()).items == []


async def refusal(person: Person, order: dict[str, Any]) -> tuple[int, list[str]]:
    """The status, and the fields that it names."""
    headers = {"Content-Type": "application/json"}
    answer = await person.ask("POST", "/v1/jobs", content=json.dumps(order), headers=headers)
    return answer.status_code, [error["field"] for error in answer.json().get("errors", [])]
