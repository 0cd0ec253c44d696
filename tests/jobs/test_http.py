"""Jobs over HTTP at the service itself: headers, pages, results, cancels, attempts."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.builders import PATIENCE_S
from tests.e2e.people import Person
from tidemill_contracts.ids import uuid7

FAR_AWAY = "2100-01-01T00:00:00Z"
WAITING = {"processor": "noop", "run_at": FAR_AWAY}


async def submit(person: Person, order: dict[str, Any], **headers: str) -> httpx.Response:
    return await person.ask("POST", "/v1/jobs", json=order, headers=headers)


async def finished(person: Person, order: dict[str, Any]) -> str:
    """The id of a job like this that has ended."""
    job_id: str = (await submit(person, order)).json()["id"]
    await person.ended(uuid_of(job_id))
    return job_id


def uuid_of(text: str) -> Any:
    return type(uuid7())(text)


async def pages(person: Person, path: str) -> list[list[str]]:
    """The ids on each page, following `Link`."""
    found: list[list[str]] = []
    following: str | None = path
    while following:
        answer = await person.ask("GET", following)
        assert answer.status_code == 200, answer.text
        found.append([item["id"] for item in answer.json()["items"]])
        link = answer.headers.get("link")
        following = link.partition("<")[2].partition(">")[0] if link else None
    return found


async def test_an_accepted_job_can_be_read_at_its_location(ann: Person) -> None:
    answer = await submit(ann, WAITING | {"labels": {"team": "a"}})

    shown = await ann.ask("GET", answer.headers["location"])

    body = answer.json()
    assert (answer.status_code, body["status"]) == (202, "scheduled")
    assert shown.json() | {"cursor": ""} == body | {"cursor": ""}
    assert body["cursor"].count(".") == 1


async def test_a_repetition_with_the_same_key_gets_the_same_answer(ann: Person) -> None:
    key = {"Idempotency-Key": uuid7().hex}
    first = await submit(ann, WAITING, **key)

    again = await submit(ann, WAITING, **key)

    assert (first.status_code, again.status_code) == (202, 202)
    assert (first.content, first.headers["location"]) == (again.content, again.headers["location"])
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_key_used_with_another_body_is_refused(ann: Person) -> None:
    key = {"Idempotency-Key": uuid7().hex}
    await submit(ann, WAITING, **key)

    answer = await submit(ann, WAITING | {"priority": 5}, **key)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_of_another_tenant_is_another_key(ann: Person, bob: Person) -> None:
    key = {"Idempotency-Key": uuid7().hex}
    first = await submit(ann, WAITING, **key)

    second = await submit(bob, WAITING, **key)

    assert second.status_code == 202
    assert second.json()["id"] != first.json()["id"]


async def test_twenty_at_once_with_one_key_make_one_job(ann: Person) -> None:
    key = {"Idempotency-Key": uuid7().hex}

    answers = await asyncio.gather(*[submit(ann, WAITING, **key) for _ in range(20)])

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert len([a for a in answers if "idempotent-replayed" not in a.headers]) == 1


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_one_to_255_characters(ann: Person, key: str) -> None:
    answer = await submit(ann, WAITING, **{"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_invalid")


async def test_pages_neither_repeat_nor_skip_while_new_jobs_come(ann: Person) -> None:
    label = {"labels": {"run": uuid7().hex}}
    made = [(await submit(ann, WAITING | label)).json()["id"] for _ in range(7)]
    query = f"label=run:{label['labels']['run']}&limit=3"
    first = await ann.ask("GET", f"/v1/jobs?{query}")
    assert first.status_code == 200, first.text
    await submit(ann, WAITING | label)

    rest = await pages(ann, first.headers["link"].partition("<")[2].partition(">")[0])

    ids = [item["id"] for item in first.json()["items"]]
    assert ids + [job_id for page in rest for job_id in page] == made[::-1]
    assert [len(page) for page in rest] == [3, 1]


async def test_a_link_keeps_the_filters_whatever_their_signs(ann: Person) -> None:
    value = f"a b&limit=1#+%/ü{uuid7().hex}"
    for _ in range(3):
        await submit(ann, WAITING | {"labels": {"k": value}})
    params = {"label": f"k:{value}", "limit": "2"}
    first = await ann.ask("GET", "/v1/jobs", params=params)

    link = first.headers["link"].partition("<")[2].partition(">")[0]
    second = await ann.ask("GET", link)

    assert parse_qs(urlsplit(link).query)["label"] == [f"k:{value}"]
    assert len(second.json()["items"]) == 1
    assert second.json()["next_cursor"] is None


async def test_a_list_can_be_narrowed(ann: Person) -> None:
    label = {"run": uuid7().hex}
    scheduled = (await submit(ann, WAITING | {"labels": label})).json()["id"]
    random = {"processor": "random_number", "run_at": FAR_AWAY, "labels": label}
    other = (await submit(ann, random)).json()["id"]
    await ann.ask("POST", f"/v1/jobs/{other}/cancel")

    by_status = await pages(ann, f"/v1/jobs?label=run:{label['run']}&status=scheduled")
    by_processor = await pages(ann, f"/v1/jobs?label=run:{label['run']}&processor=random_number")

    assert (by_status, by_processor) == ([[scheduled]], [[other]])


async def test_events_come_page_by_page_from_the_first(ann: Person) -> None:
    job_id = await finished(ann, {"processor": "noop", "value": 1})

    seen: list[int] = []
    cursor: str | None = "0"
    while cursor is not None:
        params = {"limit": "2", "cursor": cursor}
        page = (await ann.ask("GET", f"/v1/jobs/{job_id}/events", params=params)).json()
        seen += [event["seq"] for event in page["items"]]
        cursor = page["next_cursor"]

    assert seen == [1, 2, 3, 4]


async def test_each_attempt_is_listed_with_its_own_run_and_error(ann: Person) -> None:
    order = {"processor": "fail", "params": {"kind": "transient", "attempts": 1}, "value": 1}
    job_id = await finished(ann, order)

    items = (await ann.ask("GET", f"/v1/jobs/{job_id}/attempts")).json()["items"]

    assert [(item["attempt"], item["outcome"]) for item in items] == [
        (1, "failed"),
        (2, "succeeded"),
    ]
    assert items[0]["error"]["message"]
    assert len({items[0]["run_id"], items[1]["run_id"], items[0]["task_id"]}) == 3


async def test_a_value_is_answered_bare(ann: Person) -> None:
    job_id = await finished(ann, {"processor": "noop", "value": {"x": [1, None, "ü"]}})

    answer = await ann.ask("GET", f"/v1/jobs/{job_id}/result")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.content == '{"x":[1,null,"ü"]}'.encode()


async def test_a_large_value_comes_back_whole(ann: Person) -> None:
    value = "".join(chr(97 + number % 26) for number in range(400_000))
    job_id = await finished(ann, {"processor": "reverse_string", "value": value})

    answer = await ann.ask("GET", f"/v1/jobs/{job_id}/result")

    assert answer.json() == value[::-1]


async def test_a_job_that_gave_nothing_has_no_result(ann: Person) -> None:
    job_id = await finished(ann, {"processor": "noop"})

    shown = await ann.ask("GET", f"/v1/jobs/{job_id}")
    answer = await ann.ask("GET", f"/v1/jobs/{job_id}/result")

    assert shown.json()["result"] is None
    assert (answer.status_code, answer.json()["code"]) == (409, "no_result")


async def test_a_job_that_failed_has_no_result(ann: Person) -> None:
    job_id = await finished(ann, {"processor": "fail", "params": {"kind": "data"}, "value": 1})

    answer = await ann.ask("GET", f"/v1/jobs/{job_id}/result")

    assert (answer.status_code, answer.json()["code"]) == (409, "no_result")


async def test_a_job_that_goes_on_has_no_result_yet(ann: Person) -> None:
    job_id = (await submit(ann, WAITING)).json()["id"]

    answers = [
        await ann.ask("GET", f"/v1/jobs/{job_id}{path}")
        for path in ("/result", "/steps/noop/result", "/steps/nobody/result")
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (409, "job_not_finished"),
        (409, "job_not_finished"),
        (404, "step_not_found"),
    ]


async def test_a_value_comes_in_no_other_format(ann: Person) -> None:
    job_id = await finished(ann, {"processor": "noop", "value": 1})

    answer = await ann.ask("GET", f"/v1/jobs/{job_id}/result?format=csv")

    assert (answer.status_code, answer.json()["code"]) == (404, "format_not_offered")


async def test_a_cancel_answers_what_it_found(ann: Person) -> None:
    waiting = (await submit(ann, WAITING)).json()["id"]
    over = await finished(ann, {"processor": "noop", "value": 1})

    answers = [
        await ann.ask("POST", f"/v1/jobs/{job_id}/cancel") for job_id in (waiting, waiting, over)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert [answer.json().get("cancel", {}).get("outcome") for answer in answers[:2]] == [
        "not_started",
        "not_started",
    ]
    assert answers[2].json()["code"] == "job_finished"


async def test_a_running_job_is_asked_to_stop_once(ann: Person) -> None:
    job_id = (await submit(ann, {"processor": "wait", "params": {"seconds": 60}})).json()["id"]
    async with asyncio.timeout(PATIENCE_S):
        while (await ann.ask("GET", f"/v1/jobs/{job_id}")).json()["status"] != "running":
            pass
    body = {"grace_s": 30, "reason": "enough"}
    path = f"/v1/jobs/{job_id}/cancel"

    first, again = await asyncio.gather(
        ann.ask("POST", path, json=body), ann.ask("POST", path, json=body)
    )

    ended = await ann.ended(uuid_of(job_id))
    assert sorted((first.status_code, again.status_code)) == [200, 202]
    assert ended.cancel is not None
    assert ended.cancel.outcome == "cooperative"


async def test_a_stored_pipeline_runs_under_its_name(ann: Person) -> None:
    name = f"p-{uuid7().hex}"
    steps = [{"processor": "add", "params": {"amount": 5}}, {"processor": "noop"}]
    stored = await ann.ask("POST", "/v1/pipelines", json={"name": name, "steps": steps})
    twice = await ann.ask("POST", "/v1/pipelines", json={"name": name, "steps": steps})

    answer = await ann.ask("POST", f"/v1/pipelines/{name}/jobs", json={"value": 1})

    ended = await ann.ended(uuid_of(answer.json()["id"]))
    assert (stored.status_code, twice.status_code, answer.status_code) == (201, 409, 202)
    assert (answer.json()["pipeline"], ended.result and ended.result.value) == (name, 6)


async def test_a_tenants_pipeline_is_its_own(ann: Person, bob: Person) -> None:
    name = f"p-{uuid7().hex}"
    await ann.ask("POST", "/v1/pipelines", json={"name": name, "steps": [{"processor": "noop"}]})

    answers = [
        await bob.ask("GET", f"/v1/pipelines/{name}"),
        await bob.ask("DELETE", f"/v1/pipelines/{name}"),
        await bob.ask("POST", f"/v1/pipelines/{name}/jobs", json={"value": 1}),
        await bob.ask("DELETE", "/v1/pipelines/arithmetic"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


async def test_a_job_for_a_queue_that_no_worker_reads_says_so(ann: Person) -> None:
    answer = await submit(ann, {"processor": "noop", "queue": "nowhere"})

    shown = answer.json()
    assert (shown["status"], shown["blocked_reason"]) == ("blocked", "no_worker")
