"""Webhooks over HTTP."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response

from tidemill_contracts.identity import Role
from tidemill_contracts.pages import Page
from tidemill_contracts.webhooks import (
    ChangeWebhook,
    CreateWebhook,
    Delivery,
    DeliveryAttempt,
    NewSecret,
    NewWebhook,
    ReplayWebhook,
    RotateSecret,
    Webhook,
)
from tidemill_kit.app import READ, WRITE, Caller
from tidemill_kit.db import Database
from tidemill_kit.idempotency import Once
from tidemill_kit.paging import page_of
from tidemill_notifier.webhooks import usecases
from tidemill_notifier.webhooks.repository import WebhookRepository
from tidemill_notifier.webhooks.usecases import Desk

Webhooks = NamedDependency[WebhookRepository]
Asking = Request[Any, Any, Any]
Limit = Annotated[int, QueryParameter(ge=1, le=1_000)]


class WebhookController(Controller):
    """Where a tenant's events are sent, signed as standardwebhooks.com describes."""

    path = "/v1/webhooks"
    tags = ("Webhooks",)

    @post(opt=WRITE, operation_id="createWebhook")
    async def create(
        self,
        request: Asking,
        principal: Caller,
        webhooks: Webhooks,
        once: NamedDependency[Once],
        data: JSONBody[CreateWebhook],
    ) -> Response[NewWebhook]:
        """Send events to an address; the answer shows the secret that signs them, this once."""
        return await once.answer(
            data,
            lambda: usecases.create_webhook(_desk(request), webhooks, principal, data),
            location=lambda made: f"/v1/webhooks/{made.id}",
            keep=usecases.without_secret,
        )

    @get(opt=READ, operation_id="listWebhooks")
    async def newest(
        self,
        request: Asking,
        webhooks: Webhooks,
        cursor: FromQuery[UUID | None] = None,
        limit: Limit = 50,
    ) -> Response[Page[Webhook]]:
        """The newest webhooks first."""
        found = await webhooks.newest(limit=limit + 1, before=cursor)
        return page_of(request, found, limit, lambda each: each.id)

    @get("/{webhook_id:uuid}", opt=READ, operation_id="showWebhook")
    async def show(self, webhook_id: FromPath[UUID], webhooks: Webhooks) -> Webhook:
        """A webhook and how it is doing."""
        return await webhooks.get(webhook_id)

    @patch("/{webhook_id:uuid}", opt=WRITE, operation_id="changeWebhook")
    async def change(
        self,
        request: Asking,
        principal: Caller,
        webhook_id: FromPath[UUID],
        webhooks: Webhooks,
        data: JSONBody[ChangeWebhook],
    ) -> Webhook:
        """Change what is given; a webhook that is enabled again goes on where it stopped."""
        return await usecases.change_webhook(_desk(request), webhooks, principal, webhook_id, data)

    @delete("/{webhook_id:uuid}", opt=WRITE, operation_id="deleteWebhook")
    async def remove(
        self, principal: Caller, webhook_id: FromPath[UUID], webhooks: Webhooks
    ) -> None:
        """Send nothing more; what waited is dropped."""
        await usecases.delete_webhook(webhooks, principal, webhook_id)

    @get("/{webhook_id:uuid}/deliveries", opt=READ, operation_id="listDeliveries")
    async def deliveries(
        self,
        request: Asking,
        principal: Caller,
        webhook_id: FromPath[UUID],
        webhooks: Webhooks,
        cursor: FromQuery[int | None] = None,
        status: FromQuery[Literal["pending", "delivered", "failed"] | None] = None,
        limit: Limit = 50,
    ) -> Response[Page[Delivery]]:
        """What was sent in the last days and what waits, with each answer; newest first."""
        await webhooks.get(webhook_id)
        found = await webhooks.deliveries(
            webhook_id,
            limit=limit + 1,
            before=cursor,
            status=status,
            admin=principal.role.includes(Role.ADMIN),
        )
        return page_of(request, found, limit, lambda each: each.id)

    @post("/{webhook_id:uuid}/replay", opt=WRITE, status_code=202, operation_id="replayWebhook")
    async def replay(
        self,
        request: Asking,
        principal: Caller,
        webhook_id: FromPath[UUID],
        webhooks: Webhooks,
        data: JSONBody[ReplayWebhook],
    ) -> Webhook:
        """Send again all that came after a cursor, under the ids that it had."""
        return await usecases.replay_webhook(_desk(request), webhooks, principal, webhook_id, data)

    @post("/{webhook_id:uuid}/rotate", opt=WRITE, status_code=200, operation_id="rotateSecret")
    async def rotate(
        self,
        principal: Caller,
        webhook_id: FromPath[UUID],
        webhooks: Webhooks,
        data: JSONBody[RotateSecret],
    ) -> NewSecret:
        """A new secret, shown this once; for a time the old one signs beside it."""
        return await usecases.rotate_secret(webhooks, principal, webhook_id, data)

    @post("/{webhook_id:uuid}/test", opt=WRITE, status_code=200, operation_id="testWebhook")
    async def test(
        self,
        request: Asking,
        principal: Caller,
        webhook_id: FromPath[UUID],
    ) -> DeliveryAttempt:
        """Send one `webhook.test` now and show what the receiver answered."""
        database: Database = request.app.state.database
        async with database.on_behalf_of(principal.tenant_id) as connection:
            mine = WebhookRepository(connection, principal.tenant_id)
            webhook = await mine.get(webhook_id)
        return await usecases.try_webhook(_desk(request), webhook)


def _desk(request: Asking) -> Desk:
    return request.app.state.desk
