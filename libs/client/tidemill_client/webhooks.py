"""The client's calls about webhooks."""

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack
from uuid import UUID

from tidemill_client.operations import Operations
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


class WebhookChanges(TypedDict, total=False):
    """The fields of ChangeWebhook, as `change_webhook` takes them by name."""

    url: str
    types: list[str] | None
    description: str
    enabled: bool


class Webhooks(Operations):
    """The part of the client that says where events are sent."""

    async def create_webhook(
        self,
        url: str,
        *,
        types: Sequence[str] | None = None,
        description: str = "",
        enabled: bool = True,
        after: str = "now",
        idempotency_key: str | None = None,
    ) -> NewWebhook:
        """A webhook with its secret, which no later call shows; `types` such as `job.*`."""
        order = CreateWebhook(
            url=url,
            types=None if types is None else list(types),
            description=description,
            enabled=enabled,
            after=after,
        )
        return await self.post("/v1/webhooks", NewWebhook, order, key=idempotency_key)

    async def webhooks(self, *, limit: int = 50, cursor: str | None = None) -> Page[Webhook]:
        """The newest first; `cursor` is the `next_cursor` of the page before."""
        query = {"limit": limit, "cursor": cursor}
        return await self.get("/v1/webhooks", Page[Webhook], query)

    async def webhook(self, webhook_id: UUID) -> Webhook:
        return await self.get(f"/v1/webhooks/{webhook_id}", Webhook)

    async def change_webhook(self, webhook_id: UUID, **changes: Unpack[WebhookChanges]) -> Webhook:
        """Change what is given; one that is enabled again goes on where it stopped."""
        order, path = ChangeWebhook(**changes), f"/v1/webhooks/{webhook_id}"
        return await self.gateway.call("PATCH", path, Webhook, order=order)

    async def delete_webhook(self, webhook_id: UUID) -> None:
        await self.gateway.call("DELETE", f"/v1/webhooks/{webhook_id}")

    async def deliveries(
        self,
        webhook_id: UUID,
        *,
        status: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Delivery]:
        """What was sent and what waits, the newest first, with each answer."""
        query: dict[str, Any] = {"status": status, "limit": limit, "cursor": cursor}
        return await self.get(f"/v1/webhooks/{webhook_id}/deliveries", Page[Delivery], query)

    async def replay_webhook(self, webhook_id: UUID, after: str) -> Webhook:
        """Send again what came after this cursor; `start` for all that is kept."""
        path = f"/v1/webhooks/{webhook_id}/replay"
        return await self.post(path, Webhook, ReplayWebhook(after=after))

    async def rotate_secret(self, webhook_id: UUID, *, keep_s: int = 86_400) -> NewSecret:
        """A new secret, shown this once; the one before signs beside it for `keep_s`."""
        path = f"/v1/webhooks/{webhook_id}/rotate"
        return await self.post(path, NewSecret, RotateSecret(keep_s=keep_s))

    async def test_webhook(self, webhook_id: UUID) -> DeliveryAttempt:
        """Send one `webhook.test` now; what the receiver answered."""
        return await self.post(f"/v1/webhooks/{webhook_id}/test", DeliveryAttempt)
