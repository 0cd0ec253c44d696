"""Many jobs in one request: each is accepted or refused by itself."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar
from msgspec import Struct

from tidemill_contracts.identity import Principal
from tidemill_contracts.jobs import SubmitBatch, SubmitJob
from tidemill_contracts.problems import FieldError
from tidemill_jobs import usecases
from tidemill_jobs.book import Accepted, IdempotencyKey
from tidemill_jobs.commands import Submit
from tidemill_jobs.refusals import DatasetUnknownYet
from tidemill_jobs.usecases import Origin
from tidemill_kit.errors import BadRequest, Invalid, TidemillError
from tidemill_kit.idempotency import IdempotencyKeyReused
from tidemill_kit.lifespan import head
from tidemill_kit.problems import field_of

MAX_JOBS = 1_000
MAX_BODY_BYTES = 16 * 1024 * 1024
ROUTE = "jobs/batch"


class BatchSize(Invalid):
    """A batch holds 1 to 1,000 jobs."""


class _Item(Struct):
    """What is asked of the ledger for one of the jobs, and the dataset it may lack."""

    asked: dict[str, Any]
    dataset_id: UUID | None


async def submit_batch(
    app: Litestar,
    principal: Principal,
    batch: SubmitBatch,
    *,
    key: str | None,
    size: int,
) -> list[Accepted | TidemillError]:
    """Submit every job that can be; the answers stand in the order of the jobs.

    A key covers each job by itself: a repetition finds those that were stored, and stores what
    the first try did not come to. `size` is that of the request in bytes.
    """
    if not 1 <= len(batch.jobs) <= MAX_JOBS:
        raise BatchSize(errors=[FieldError("jobs", f"{len(batch.jobs)} jobs")])
    kept = usecases.key_of(principal.tenant_id, ROUTE, key, batch)
    share = size // len(batch.jobs)
    items = [
        await _item(app, principal, given, _nth(kept, number), share)
        for number, given in enumerate(batch.jobs)
    ]
    answers = await _submit(app, items)
    lacking = [n for n, answer in enumerate(answers) if isinstance(answer, DatasetUnknownYet)]
    if lacking:
        await _learn(app, principal.tenant_id, items, lacking, answers)
    for answer in answers:
        if isinstance(answer, IdempotencyKeyReused):
            raise answer
    return answers


async def _item(
    app: Litestar,
    principal: Principal,
    given: dict[str, Any],
    key: IdempotencyKey | None,
    size: int,
) -> _Item | TidemillError:
    origin = Origin(tenant_id=principal.tenant_id, created_by=principal.user_id)
    try:
        order = msgspec.convert(given, SubmitJob)
        made = await usecases.planned(app, order)
    except msgspec.ValidationError as error:
        return BadRequest(errors=[field_of(error)])
    except TidemillError as error:
        return error
    cursor = str(head(app))
    asked = usecases.asked_for(order, made, origin, key=key, cursor=cursor, size=size)
    return _Item(asked, order.dataset_id)


async def _submit(
    app: Litestar,
    items: Sequence[_Item | TidemillError],
) -> list[Accepted | TidemillError]:
    """All in one go: they stand in the ledger's queue side by side."""
    put = app.state.ledger.put
    asked = {
        n: put(Submit, **item.asked) for n, item in enumerate(items) if isinstance(item, _Item)
    }
    if asked:
        await asyncio.wait(asked.values())
    return [_outcome(asked[n]) if isinstance(i, _Item) else i for n, i in enumerate(items)]


def _outcome(answer: asyncio.Future[Accepted]) -> Accepted | TidemillError:
    error = answer.exception()
    if error is None:
        return answer.result()
    if isinstance(error, TidemillError):
        return error
    raise error


async def _learn(
    app: Litestar,
    tenant_id: UUID,
    items: Sequence[_Item | TidemillError],
    lacking: Sequence[int],
    answers: list[Accepted | TidemillError],
) -> None:
    """Ask for the datasets that were not known, and submit their jobs again."""
    again = [item for n in lacking if isinstance(item := items[n], _Item)]
    refused: dict[UUID | None, TidemillError] = {}
    for dataset_id in {item.dataset_id for item in again}:
        try:
            await usecases.learn_dataset(app, tenant_id, dataset_id)
        except TidemillError as error:
            refused[dataset_id] = error
    known = [refused.get(item.dataset_id, item) for item in again]
    for number, answer in zip(lacking, await _submit(app, known), strict=True):
        answers[number] = answer


def _nth(key: IdempotencyKey | None, number: int) -> IdempotencyKey | None:
    return key and IdempotencyKey(key.tenant_id, key.route, f"{key.key}#{number}", key.fingerprint)
