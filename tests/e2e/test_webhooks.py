"""Webhooks through the gateway, by client and command."""

import msgspec
from standardwebhooks.webhooks import Webhook as Verifier

from tests.e2e.people import Person, tidemill
from tests.notifier.webhooks.conftest import Receiver
from tidemill_contracts.webhooks import NewSecret, NewWebhook
from tidemill_stack.stack import Stack


async def test_a_webhook_is_made_followed_and_ended_by_commands(ann: Person, stack: Stack) -> None:
    async with Receiver.open() as receiver:
        made = await tidemill(
            ann, stack, "webhooks", "create", receiver.url, "--type", "job.succeeded"
        )
        hook = msgspec.json.decode(made[1], type=NewWebhook)

        job = await ann.run(processor="multiply", params={"factor": 2}, value=21)
        requests = await receiver.ended(str(job.id))
        listed = await tidemill(ann, stack, "webhooks", "list")
        rotated = await tidemill(ann, stack, "webhooks", "rotate", str(hook.id), "--keep", "60")
        tried = await tidemill(ann, stack, "webhooks", "test", str(hook.id))
        sent = await tidemill(ann, stack, "webhooks", "deliveries", str(hook.id))
        off = await tidemill(ann, stack, "webhooks", "update", str(hook.id), "--disable")
        again = await tidemill(
            ann, stack, "webhooks", "replay", str(hook.id), "--after", hook.cursor
        )
        gone = await tidemill(ann, stack, "webhooks", "delete", str(hook.id))

    results = (made, listed, rotated, tried, sent, off, again, gone)
    assert [code for code, _, _ in results] == [0] * len(results)
    assert hook.secret
    assert Verifier(hook.secret).verify(requests[0].body, requests[0].headers)
    secret = msgspec.json.decode(rotated[1], type=NewSecret).secret
    assert Verifier(secret).verify(requests[-1].body, requests[-1].headers)
    assert receiver.url in listed[1]
    assert "job.succeeded" in sent[1]
    assert (await ann.client.webhooks()).items == []


async def test_an_address_within_the_network_is_refused(ann: Person, stack: Stack) -> None:
    code, _, notes = await tidemill(ann, stack, "webhooks", "create", "https://10.0.0.1/")

    assert code == 3
    assert "not on the public internet" in notes
