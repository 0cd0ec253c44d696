"""Events on their way to receivers, through the real log and the real notifier."""

import asyncio
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from tests.builders import PATIENCE_S
from tests.notifier.webhooks.conftest import BROKEN, OK, Hooks, Receiver, Request, ends, orders

MANY = 12


async def test_every_event_of_each_job_comes_signed_and_in_order(
    hooks: Hooks, receiver: Receiver
) -> None:
    hook = await hooks.create(receiver.url)

    jobs = await hooks.run(MANY)
    requests = await receiver.ended(*jobs)

    assert set(orders(requests)) == set(jobs)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in orders(requests).values())
    assert len({each.id for each in requests}) == len(requests)
    for each in requests:
        told = each.verified_by(hook["secret"])
        assert (told["type"], told["timestamp"]) == (each.event["type"], each.event["at"])
        assert each.id == each.event["id"]
        assert each.event["tenant_id"] == str(hooks.account.user.tenant_id)
    with pytest.raises(WebhookVerificationError):
        requests[0].verified_by("whsec_" + "A" * 44)


async def test_a_webhook_gets_the_types_it_asked_for_and_only_what_happens_from_now_on(
    hooks: Hooks, receiver: Receiver
) -> None:
    before = await hooks.run(1)
    await hooks.create(receiver.url, after="start", types=["job.succeeded"])
    await receiver.ended(*before)
    async with Receiver.open() as late:
        await hooks.create(late.url, types=["job.succeeded"])

        after = await hooks.run(2)
        requests = await late.ended(*after)

    assert sorted(each.event["job_id"] for each in requests) == sorted(after)
    assert {each.event["type"] for each in receiver.requests} == {"job.succeeded"}


async def test_a_failing_event_is_sent_again_and_holds_up_its_own_job_alone(
    hooks: Hooks, receiver: Receiver
) -> None:
    hook = await hooks.create(receiver.url)
    refused: list[Request] = []
    others = asyncio.Event()

    async def decide(request: Request) -> int:
        if not refused:
            refused.append(request)
        if request.id == refused[0].id and not others.is_set():
            return BROKEN
        return OK

    receiver.decide = decide
    jobs = await hooks.run(3)
    first = (await receiver.of(1))[0].event["job_id"]
    await receiver.ended(*(job for job in jobs if job != first))
    held_up = orders(receiver.requests)[first]
    others.set()
    requests = await receiver.ended(*jobs)

    again = [each for each in requests if each.id == refused[0].id]
    assert held_up == [1]
    assert orders(requests)[first][:3] == [1, 2, 3]
    assert len(again) > 1
    assert {each.body for each in again} == {again[0].body}
    assert all(each.verified_by(hook["secret"]) for each in again)
    log = await hooks.until(
        f"/{hook['id']}/deliveries?status=delivered&limit=1000",
        lambda page: len(page["items"]) == len({each.id for each in requests}),
    )
    tried = next(each for each in log["items"] if each["event_id"] == again[0].id)
    assert [each["status_code"] for each in tried["attempts"]] == [500] * (len(again) - 1) + [200]
    assert {each["response"] for each in tried["attempts"]} == {"Thank you."}


async def test_a_receiver_that_hangs_delays_itself_alone(hooks: Hooks, receiver: Receiver) -> None:
    never = asyncio.Event()

    async def hang(request: Request) -> int:
        del request
        await never.wait()
        return OK

    async with Receiver.open() as slow:
        slow.decide = hang
        await hooks.create(slow.url)
        await hooks.create(receiver.url)
        jobs = await hooks.run(MANY)
        requests = await receiver.ended(*jobs)
        answered = len(slow.requests)

    assert len(ends(requests)) == MANY
    assert answered < len(requests)


async def test_while_secrets_change_both_sign(hooks: Hooks, receiver: Receiver) -> None:
    hook = await hooks.create(receiver.url)

    fresh = await hooks.done("POST", f"/{hook['id']}/rotate", json={"keep_s": 600})
    await receiver.ended(*(await hooks.run(1)))
    last = await hooks.done("POST", f"/{hook['id']}/rotate", json={"keep_s": 0})
    await receiver.ended(*(await hooks.run(1)))

    both = receiver.requests[0]
    assert both.verified_by(hook["secret"]) == both.verified_by(fresh["secret"])
    newest = ends(receiver.requests)[-1]
    assert newest.verified_by(last["secret"])
    assert newest.verified_by(hook["secret"])
    with pytest.raises(WebhookVerificationError):
        newest.verified_by(fresh["secret"])


async def test_a_replay_sends_again_under_the_same_ids(hooks: Hooks, receiver: Receiver) -> None:
    hook = await hooks.create(receiver.url)
    jobs = await hooks.run(2)
    before = list(await receiver.ended(*jobs))
    seen = await hooks.until(
        f"/{hook['id']}/deliveries?status=delivered",
        lambda page: len(page["items"]) == len(before),
    )

    oldest = seen["items"][-1]
    answer = await hooks.ask("POST", f"/{hook['id']}/replay", json={"after": oldest["cursor"]})
    requests = await receiver.of(2 * len(before) - 1)

    assert answer.status_code == 202
    again = requests[len(before) :]
    assert {each.id for each in again} == {each.id for each in before} - {oldest["event_id"]}
    refused = await hooks.ask("POST", f"/{hook['id']}/replay", json={"after": "999.1"})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("child", ["notifier", "nats-server"])
async def test_a_kill_in_the_middle_loses_nothing_and_repeats_what_can_be_told(
    hooks: Hooks, receiver: Receiver, stack: Any, child: str
) -> None:
    hook = await hooks.create(receiver.url)

    jobs = await hooks.run(MANY)
    await receiver.of(MANY)
    killed = stack.kill(child)
    await stack.ready(child, instead_of=killed)
    await stack.ready("notifier")
    jobs += await hooks.run(1)
    requests = await receiver.ended(*jobs)

    found = orders(requests)
    assert set(found) == set(jobs)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in found.values())
    assert all(each.id == each.event["id"] for each in requests)
    assert {each.body for each in requests if each.id == requests[0].id} == {requests[0].body}
    assert hook["enabled"]


async def test_an_endpoint_that_is_gone_is_disabled_and_goes_on_where_it_stopped(
    hooks: Hooks, receiver: Receiver
) -> None:
    hook = await hooks.create(receiver.url)

    async def gone(request: Request) -> int:
        del request
        return 410

    receiver.decide = gone
    jobs = await hooks.run(1)
    shown = await hooks.until(f"/{hook['id']}", lambda found: not found["enabled"])
    told = await _disabled_event(hooks, hook["id"])
    del receiver.decide
    await hooks.done("PATCH", f"/{hook['id']}", json={"enabled": True})
    requests = await receiver.ended(*jobs)

    assert (shown["disabled_reason"], shown["seq"]) == ("gone", 2)
    assert (told["reason"], told["seq"]) == ("gone", 2)
    assert orders(requests)[jobs[0]][:3] == [1, 2, 3]
    assert (await hooks.done("GET", f"/{hook['id']}"))["disabled_reason"] is None


async def test_what_never_arrives_is_given_up_and_an_endpoint_that_only_fails_is_disabled(
    hooks: Hooks, receiver: Receiver
) -> None:
    hook = await hooks.create(receiver.url)

    async def broken(request: Request) -> int:
        del request
        return BROKEN

    receiver.decide = broken
    await hooks.run(1)
    log = await hooks.until(f"/{hook['id']}/deliveries?status=failed", lambda page: page["items"])
    shown = await hooks.until(f"/{hook['id']}", lambda found: not found["enabled"])

    assert len(log["items"][-1]["attempts"]) > 1
    assert log["items"][-1]["finished_at"] is not None
    assert shown["disabled_reason"] == "failing"
    assert (await _disabled_event(hooks, hook["id"]))["reason"] == "failing"


async def test_a_trial_shows_what_the_receiver_answers(hooks: Hooks, receiver: Receiver) -> None:
    hook = await hooks.create(receiver.url, enabled=False)

    found = await hooks.done("POST", f"/{hook['id']}/test")

    assert (found["status_code"], found["response"]) == (200, "Thank you.")
    told = receiver.requests[0].verified_by(hook["secret"])
    assert (told["type"], told["data"]) == ("webhook.test", {"webhook_id": hook["id"]})


async def _disabled_event(hooks: Hooks, webhook_id: str) -> Any:
    """The event of the log that tells of it, once it is there."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            page = (await hooks.account.get("/v1/events?types=webhook.disabled")).json()
            for item in page["items"]:
                if item["event"]["webhook_id"] == webhook_id:
                    return item["event"]
