"""The audit trail: who did what, written in the transaction of what was done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import insert, select

from tidemill_contracts.access import AuditEntry
from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import now, uuid7, uuid7_floor
from tidemill_identity import tables
from tidemill_identity.lifecycle import Origin
from tidemill_identity.tables import audit, users
from tidemill_kit import db

DONE, REFUSED = "done", "refused"


class Actor(Struct, frozen=True, kw_only=True):
    """Who does something, how they are known, and from where."""

    tenant_id: UUID
    user_id: UUID | None
    via: str
    address: str | None = None

    @classmethod
    def calling(cls, principal: Principal, origin: Origin) -> "Actor":
        return cls(
            tenant_id=principal.tenant_id,
            user_id=principal.user_id,
            via="api_key" if principal.by_key else "session",
            address=origin.address,
        )


class Sought(Struct, frozen=True, kw_only=True):
    """Which entries: all that is given must hold."""

    actor_id: UUID | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditRepository(db.Repository):
    """A tenant's trail, which grows and never changes."""

    events = tables.events

    async def note(
        self,
        actor: Actor,
        action: str,
        target: object = None,
        *,
        outcome: str = DONE,
        at: datetime | None = None,
        **details: Any,
    ) -> None:
        """Say that the actor did this; `target` is the id of what it was done to."""
        row = {
            "id": uuid7(),
            "tenant_id": actor.tenant_id,
            "at": at or now(),
            "actor_id": actor.user_id,
            "via": actor.via,
            "action": action,
            "target": None if target is None else str(target),
            "address": actor.address,
            "outcome": outcome,
            "details": details,
        }
        await self.run(insert(audit).values(row))

    async def newest(
        self,
        sought: Sought,
        *,
        before: UUID | None,
        limit: int,
    ) -> list[AuditEntry]:
        """Entries from the newest on; an actor is named as long as its row is there."""
        wanted = [audit.c.tenant_id == self.tenant_id]
        if before is not None:
            wanted.append(audit.c.id < before)
        exact = {name: getattr(sought, name) for name in ("actor_id", "action", "target")}
        wanted += [audit.c[name] == value for name, value in exact.items() if value is not None]
        if sought.since is not None:
            wanted.append(audit.c.id >= uuid7_floor(sought.since))
        if sought.until is not None:
            wanted.append(audit.c.id < uuid7_floor(sought.until))
        query = (
            select(audit, users.c.email.label("actor"))
            .outerjoin(users, users.c.id == audit.c.actor_id)
            .where(*wanted)
            .order_by(audit.c.id.desc())
            .limit(limit)
        )
        return await self.all(query, AuditEntry)
