"""Webhooks: where a tenant's events are sent, and what became of them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from tidemill_contracts.event import Event
from tidemill_contracts.log import MAX_CURSOR_CHARS
from tidemill_contracts.stream import EventType

Url = Annotated[str, Meta(min_length=1, max_length=2_000)]
Types = Annotated[list[EventType], Meta(min_length=1, max_length=64)]
Description = Annotated[str, Meta(max_length=255, pattern=r"^[^\x00]*$(?!\n)")]
Place = Annotated[str, Meta(max_length=MAX_CURSOR_CHARS)]
MAX_KEPT_S = 7 * 86_400


class WebhookEvent(Event, frozen=True, kw_only=True):
    """An event of a webhook; its address may be a secret and is left out."""

    webhook_id: UUID

    @property
    def key(self) -> UUID:
        return self.webhook_id


class WebhookDisabled(WebhookEvent, frozen=True, kw_only=True, tag="webhook.disabled"):
    """An endpoint failed for too long and gets nothing any more."""

    reason: str


class WebhookTouched(WebhookEvent, frozen=True, kw_only=True):
    """What somebody did to a webhook."""

    by: UUID
    description: str = ""


class WebhookCreated(WebhookTouched, frozen=True, kw_only=True, tag="webhook.created"):
    """Events are sent to one address more."""


class WebhookChanged(WebhookTouched, frozen=True, kw_only=True, tag="webhook.changed"):
    """Somebody said something new of where events go, which, or whether."""

    changed: list[str]


class WebhookSecretRotated(WebhookTouched, frozen=True, kw_only=True, tag="webhook.secret_rotated"):
    """A webhook has a new secret."""


class WebhookReplayed(WebhookTouched, frozen=True, kw_only=True, tag="webhook.replayed"):
    """What came after a cursor is sent again."""

    after: str


class WebhookDeleted(WebhookTouched, frozen=True, kw_only=True, tag="webhook.deleted"):
    """Nothing more is sent to an address."""


class CreateWebhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events go, which (all that the caller may see, unless `types`), and from where on."""

    url: Url
    types: Types | None = None
    description: Description = ""
    enabled: bool = True
    after: Place = "now"


class ChangeWebhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; `types: null` means all."""

    url: Url | UnsetType = UNSET
    types: Types | UnsetType | None = UNSET
    description: Description | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class ReplayWebhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send again what came after this cursor; `start` is the oldest event that is kept."""

    after: Place


class RotateSecret(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how long the secrets before sign beside the new one."""

    keep_s: Annotated[int, Meta(ge=0, le=MAX_KEPT_S)] = 86_400


class Webhook(Struct, frozen=True, kw_only=True):
    """An endpoint: `cursor` is how far the log was read for it, `pending` what waits to be sent.

    `disabled_reason` is `gone` (it answered 410) or `failing`; null where somebody switched it off.
    """

    id: UUID
    url: str
    types: list[str] | None
    description: str
    enabled: bool
    disabled_reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    pending: int
    cursor: str
    created_by: UUID
    created_at: datetime
    updated_at: datetime
    seq: int


class NewWebhook(Webhook, frozen=True, kw_only=True):
    """A webhook as it was made, with its secret, which is shown this once."""

    secret: str | None = None


class NewSecret(Struct, frozen=True, kw_only=True):
    """A secret, which is shown this once, and until when the ones before it sign, too."""

    secret: str
    previous_until: datetime


class DeliveryAttempt(Struct, frozen=True, kw_only=True):
    """One request: the receiver's status and the start of its answer, or a word for the trouble."""

    at: datetime
    duration_ms: int
    status_code: int | None = None
    error: str | None = None
    response: str = ""


class Delivery(Struct, frozen=True, kw_only=True):
    """An event on its way: `pending` until it is `delivered` or, after 24 h, `failed`."""

    id: int
    event_id: UUID
    type: str
    cursor: str
    status: str
    attempts: list[DeliveryAttempt]
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
