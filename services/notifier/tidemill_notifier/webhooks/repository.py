"""What a tenant's callers read and write of their webhooks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Text,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    tuple_,
    update,
)

from tidemill_contracts.catalogue import OWNED
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.log import Cursor
from tidemill_contracts.webhooks import Delivery, NewWebhook, Webhook, WebhookTouched
from tidemill_kit.db import Repository
from tidemill_kit.errors import NotFound
from tidemill_notifier.webhooks.tables import deliveries, events, secrets, webhooks

PENDING = "pending"


class WebhookNotFound(NotFound):
    """There is no such webhook."""


def _place(table: Any) -> ColumnElement[str]:
    """A row's cursor as text."""
    return (cast(table.c.epoch, Text) + literal(".") + cast(table.c.position, Text)).label("cursor")


_WAITING = (
    select(func.count())
    .where(deliveries.c.webhook_id == webhooks.c.id, deliveries.c.status == PENDING)
    .scalar_subquery()
    .label(PENDING)
)
_SHOWN = select(webhooks, _place(webhooks), _WAITING).where(webhooks.c.deleted_at.is_(None))


class WebhookRepository(Repository):
    """Webhooks of one tenant; nothing here can read a secret."""

    events = events

    async def add(self, webhook: dict[str, Any], secret: bytes) -> NewWebhook:
        made = uuid7()
        row = {"id": made, "tenant_id": self.tenant_id, "version": 1, "round": 1, "failures": 0}
        await self.run(insert(webhooks).values({**webhook, **row, "seq": 0}))
        await self.add_secret(made, secret)
        found = await self.first(_SHOWN.where(webhooks.c.id == made), NewWebhook)
        assert found is not None  # noqa: S101 - it was written a moment ago
        return found

    async def get(self, webhook_id: UUID) -> Webhook:
        found = await self.first(_SHOWN.where(*self._mine(webhook_id)), Webhook)
        if found is None:
            raise WebhookNotFound
        return found

    async def newest(self, *, limit: int, before: UUID | None) -> list[Webhook]:
        mine = _SHOWN.where(webhooks.c.tenant_id == self.tenant_id)
        if before is not None:
            mine = mine.where(webhooks.c.id < before)
        return await self.all(mine.order_by(webhooks.c.id.desc()).limit(limit), Webhook)

    async def count(self) -> int:
        mine = webhooks.c.tenant_id == self.tenant_id, webhooks.c.deleted_at.is_(None)
        return await self.connection.scalar(select(func.count()).where(*mine)) or 0

    async def change(self, webhook_id: UUID, **values: Any) -> None:
        """Write what is new; whoever delivers starts over with it."""
        version = webhooks.c.version + 1
        statement = update(webhooks).where(*self._mine(webhook_id))
        if not await self.run(statement.values(updated_at=now(), version=version, **values)):
            raise WebhookNotFound

    async def tell(
        self, kind: type[WebhookTouched], webhook_id: UUID, by: UUID, **facts: Any
    ) -> None:
        """Record what was done to a webhook that is there, in the transaction of doing it."""
        number = update(webhooks).where(*self._mine(webhook_id)).values(seq=webhooks.c.seq + 1)
        told = (
            await self.connection.execute(number.returning(webhooks.c.seq, webhooks.c.description))
        ).first()
        if told is None:
            raise WebhookNotFound
        event = kind(
            tenant_id=self.tenant_id,
            webhook_id=webhook_id,
            seq=told.seq,
            by=by,
            description=told.description,
            **facts,
        )
        await self.record(event)

    async def restart(self, webhook_id: UUID) -> None:
        """What waits is tried at once, with all its time before it."""
        waiting = deliveries.c.webhook_id == webhook_id, deliveries.c.status == PENDING
        again = {"next_attempt_at": func.clock_timestamp(), "give_up_at": null()}
        await self.run(update(deliveries).where(*waiting).values(again))

    async def rewind(self, webhook_id: UUID, cursor: Cursor) -> None:
        """Read the log again from here on; what waits beyond it comes that way, too."""
        place = {"epoch": cursor.epoch, "position": cursor.position}
        await self.change(webhook_id, round=webhooks.c.round + 1, **place)
        beyond = tuple_(deliveries.c.epoch, deliveries.c.position) > (
            cursor.epoch,
            cursor.position,
        )
        waiting = deliveries.c.webhook_id == webhook_id, deliveries.c.status == PENDING
        await self.run(delete(deliveries).where(*waiting, beyond))

    async def add_secret(self, webhook_id: UUID, secret: bytes) -> None:
        row = {"id": uuid7(), "webhook_id": webhook_id, "tenant_id": self.tenant_id}
        await self.run(insert(secrets).values({**row, "secret": secret, "created_at": now()}))

    async def secrets_in_use(self, webhook_id: UUID) -> int:
        good = secrets.c.expires_at.is_(None) | (secrets.c.expires_at > now())
        counted = select(func.count(secrets.c.id)).where(secrets.c.webhook_id == webhook_id, good)
        return await self.connection.scalar(counted) or 0

    async def let_expire(self, webhook_id: UUID, moment: datetime) -> None:
        """The secrets that have no end yet end then."""
        endless = secrets.c.webhook_id == webhook_id, secrets.c.expires_at.is_(None)
        await self.run(update(secrets).where(*endless).values(expires_at=moment))

    async def deliveries(
        self, webhook_id: UUID, *, limit: int, before: int | None, status: str | None, admin: bool
    ) -> list[Delivery]:
        """The newest first; what is about users and keys is shown to admins alone."""
        found = select(deliveries, _place(deliveries)).where(deliveries.c.webhook_id == webhook_id)
        if before is not None:
            found = found.where(deliveries.c.id < before)
        if status is not None:
            found = found.where(deliveries.c.status == status)
        if not admin:
            found = found.where(func.split_part(deliveries.c.type, ".", 1).not_in(_ADMINS_ONLY))
        return await self.all(found.order_by(deliveries.c.id.desc()).limit(limit), Delivery)

    def _mine(self, webhook_id: UUID) -> tuple[ColumnElement[bool], ...]:
        mine = webhooks.c.tenant_id == self.tenant_id
        return webhooks.c.id == webhook_id, mine, webhooks.c.deleted_at.is_(None)


_ADMINS_ONLY = OWNED["identity"]
