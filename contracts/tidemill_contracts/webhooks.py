"""Webhooks: the one event that is about them."""

from uuid import UUID

from tidemill_contracts.event import Event


class WebhookDisabled(Event, frozen=True, kw_only=True, tag="webhook.disabled"):
    """An endpoint failed for too long and gets nothing any more."""

    webhook_id: UUID
    reason: str

    @property
    def key(self) -> UUID:
        return self.webhook_id
