"""What is done with webhooks."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import asdict, replace

from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.webhooks import (
    ChangeWebhook,
    CreateWebhook,
    DeliveryAttempt,
    NewSecret,
    NewWebhook,
    ReplayWebhook,
    RotateSecret,
    Webhook,
    WebhookChanged,
    WebhookCreated,
    WebhookDeleted,
    WebhookReplayed,
    WebhookSecretRotated,
)
from tidemill_kit.errors import Conflict, TooMany
from tidemill_notifier.live import Live
from tidemill_notifier.replay import place
from tidemill_notifier.webhooks import signing
from tidemill_notifier.webhooks.book import Book, Payload
from tidemill_notifier.webhooks.courier import attempt_of
from tidemill_notifier.webhooks.guard import Guard
from tidemill_notifier.webhooks.repository import WebhookRepository
from tidemill_notifier.webhooks.sending import Sender

MAX_SECRETS = 5
TEST = "webhook.test"


class Desk(Struct, frozen=True):
    """What orders about webhooks need besides their rows."""

    live: Live
    guard: Guard
    book: Book
    sender: Sender


class TooManyWebhooks(TooMany):
    """The tenant has as many webhooks as webhook_tenant_limit allows."""


class TooManySecrets(Conflict):
    """Five secrets sign for this webhook already; one of them must expire first."""


async def create_webhook(
    desk: Desk,
    webhooks: WebhookRepository,
    principal: Principal,
    order: CreateWebhook,
) -> NewWebhook:
    """A webhook and its secret; UrlRefused where nothing may be sent to its address."""
    await desk.live.hub.ready()
    await desk.guard.check(order.url)
    cursor = await place(desk.live.hub, order.after)
    if await webhooks.count() >= desk.live.settings.webhook_tenant_limit:
        raise TooManyWebhooks
    moment, secret = now(), signing.new_secret()
    row: dict[str, Any] = {
        "url": order.url,
        "types": order.types,
        "description": order.description,
        "enabled": order.enabled,
        "role": principal.role.value,
        "created_by": principal.user_id,
        "created_at": moment,
        "updated_at": moment,
        "epoch": cursor.epoch,
        "position": cursor.position,
    }
    made = await webhooks.add(row, secret)
    await webhooks.tell(WebhookCreated, made.id, principal.user_id)
    return replace(made, seq=made.seq + 1, secret=signing.shown(secret))


def without_secret(webhook: NewWebhook) -> NewWebhook:
    """What may be kept of the answer to whoever made it."""
    return replace(webhook, secret=None)


async def change_webhook(
    desk: Desk,
    webhooks: WebhookRepository,
    principal: Principal,
    webhook_id: UUID,
    order: ChangeWebhook,
) -> Webhook:
    """The webhook as it is now; from here on it gets what this caller may see."""
    given = {"url": order.url, "types": order.types, "description": order.description}
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not UNSET}
    if order.url is not UNSET:
        await desk.guard.check(order.url)
    before = await webhooks.get(webhook_id)
    if order.enabled is not UNSET and order.enabled != before.enabled:
        moment = None if order.enabled else now()
        values |= {"enabled": order.enabled, "disabled_at": moment, "disabled_reason": None}
        values |= {"failures": 0, "failing_since": None}
    await webhooks.change(webhook_id, role=principal.role.value, **values)
    if order.enabled is True or order.url is not UNSET:
        await webhooks.restart(webhook_id)
    changed = [name for name, value in asdict(order).items() if value is not UNSET]
    await webhooks.tell(WebhookChanged, webhook_id, principal.user_id, changed=changed)
    return await webhooks.get(webhook_id)


async def replay_webhook(
    desk: Desk,
    webhooks: WebhookRepository,
    principal: Principal,
    webhook_id: UUID,
    order: ReplayWebhook,
) -> Webhook:
    """Send again what came after a cursor; BadCursor where the log cannot have been yet."""
    await desk.live.hub.ready()
    cursor = await place(desk.live.hub, order.after)
    await webhooks.rewind(webhook_id, cursor)
    await webhooks.tell(WebhookReplayed, webhook_id, principal.user_id, after=str(cursor))
    return await webhooks.get(webhook_id)


async def rotate_secret(
    webhooks: WebhookRepository,
    principal: Principal,
    webhook_id: UUID,
    order: RotateSecret,
) -> NewSecret:
    """A new secret; the ones before it sign beside it for the time stated, or for less."""
    await webhooks.change(webhook_id)
    if await webhooks.secrets_in_use(webhook_id) >= MAX_SECRETS:
        raise TooManySecrets
    until, secret = now() + timedelta(seconds=order.keep_s), signing.new_secret()
    await webhooks.let_expire(webhook_id, until)
    await webhooks.add_secret(webhook_id, secret)
    await webhooks.tell(WebhookSecretRotated, webhook_id, principal.user_id)
    return NewSecret(secret=signing.shown(secret), previous_until=until)


async def delete_webhook(
    webhooks: WebhookRepository,
    principal: Principal,
    webhook_id: UUID,
) -> None:
    """Nothing more is sent; that this was done is the last that its events tell."""
    await webhooks.tell(WebhookDeleted, webhook_id, principal.user_id)
    await webhooks.change(webhook_id, enabled=False, deleted_at=now())


async def try_webhook(desk: Desk, webhook: Webhook) -> DeliveryAttempt:
    """Send one signed `webhook.test` now, whether the webhook is enabled or not."""
    keys, at = await desk.book.keys(webhook.id), now()
    body = msgspec.json.encode(Payload(TEST, at, {"webhook_id": webhook.id}))
    headers = signing.headers(uuid7(), at, body, keys)
    return attempt_of(at, await desk.sender.send(webhook.url, body, headers))
