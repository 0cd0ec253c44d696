"""Every query of identity."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import exists, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.identity import (
    Principal,
    Registration,
    SessionRevoked,
    User,
    UserRegistered,
)
from tidemill_identity import tables
from tidemill_identity.lifecycle import Account, Session, email_key
from tidemill_identity.tables import (
    api_keys,
    refresh_tokens,
    sessions,
    setup_links,
    tenants,
    users,
)
from tidemill_kit import db
from tidemill_kit.db import NO_TENANT

_ACCOUNT = [users.c[name] for name in Account.__struct_fields__]
_USER = [users.c[name] for name in User.__struct_fields__]
_SESSION = [sessions.c[name] for name in Session.__struct_fields__]


class Repository(db.Repository):
    events = tables.events

    def __init__(self, connection: AsyncConnection, tenant_id: UUID = NO_TENANT) -> None:
        super().__init__(connection, tenant_id)


class AccountRepository(Repository):
    """Tenants, users and the link that makes the first administrator."""

    async def add(self, made: Registration, password_hash: str) -> bool:
        """Write tenant and user; False where the e-mail address is taken."""
        await self.run(insert(tenants).values(asdict(made.tenant)))
        return await self.add_user(made.user, password_hash)

    async def add_user(self, user: User, password_hash: str) -> bool:
        """Write a user of a tenant that is there; False where the e-mail address is taken."""
        row = asdict(user) | {
            "email_key": email_key(user.email),
            "password_hash": password_hash,
            "seq": 1,
        }
        free = upsert(users).on_conflict_do_nothing(index_elements=[users.c.email_key])
        if await self.run(free.values(row)) == 0:
            return False
        await self.record(
            UserRegistered(
                tenant_id=user.tenant_id,
                user_id=user.id,
                seq=1,
                at=user.created_at,
                email=user.email,
                role=user.role,
            ),
        )
        return True

    async def by_email(self, email: str) -> Account | None:
        query = select(*_ACCOUNT).where(users.c.email_key == email_key(email))
        return await self.first(query, Account)

    async def by_id(self, user_id: UUID) -> Account | None:
        return await self.first(select(*_ACCOUNT).where(users.c.id == user_id), Account)

    async def signed_in(self, caller: Principal) -> User | None:
        """The caller's user while both it and the session or key are good."""
        known_by = api_keys if caller.by_key else sessions
        query = (
            select(*_USER)
            .join(known_by, known_by.c.user_id == users.c.id)
            .where(users.c.id == caller.user_id, users.c.tenant_id == self.tenant_id)
            .where(users.c.disabled_at.is_(None))
            .where(known_by.c.id == caller.session_id, known_by.c.revoked_at.is_(None))
        )
        return await self.first(query, User)

    async def rehash(self, user_id: UUID, password_hash: str) -> None:
        change = update(users).values(password_hash=password_hash)
        await self.run(change.where(users.c.id == user_id))

    async def has_administrator(self) -> bool:
        query = select(exists().where(users.c.system_admin, users.c.disabled_at.is_(None)))
        return bool(await self.connection.scalar(query))

    async def add_setup_link(self, digest: bytes, expires_at: datetime) -> None:
        await self.run(insert(setup_links).values(digest=digest, expires_at=expires_at))

    async def use_setup_link(self, digest: bytes) -> bool:
        """Use up the link; False where it is none, was used or is too old."""
        use = update(setup_links).values(used_at=func.now()).where(setup_links.c.digest == digest)
        good = setup_links.c.used_at.is_(None) & (setup_links.c.expires_at > func.now())
        return await self.run(use.where(good)) == 1


class RefreshToken(Struct, frozen=True):
    """A refresh token as it was found, with its session."""

    digest: bytes
    used_at: datetime | None
    session: Session
    account: Account


class SessionRepository(Repository):
    """Sessions and their refresh tokens."""

    async def add(self, session: Session, digest: bytes) -> None:
        await self.run(insert(sessions).values(asdict(session)))
        await self._add_token(session, digest, session.created_at)

    async def find(self, digest: bytes) -> RefreshToken | None:
        """The refresh token with its session, both locked, so that it is used once."""
        query = (
            select(refresh_tokens.c.used_at, sessions.c.id, sessions.c.user_id)
            .join(sessions, sessions.c.id == refresh_tokens.c.session_id)
            .where(refresh_tokens.c.digest == digest)
            .with_for_update(of=[refresh_tokens, sessions], key_share=True)
        )
        row = (await self.connection.execute(query)).first()
        if row is None:
            return None
        session = await self.first(select(*_SESSION).where(sessions.c.id == row.id), Session)
        account = await self.first(select(*_ACCOUNT).where(users.c.id == row.user_id), Account)
        if session is None or account is None:
            return None
        return RefreshToken(digest, row.used_at, session, account)

    async def rotate(self, token: RefreshToken, digest: bytes, moment: datetime) -> None:
        """Use up the token and keep its successor."""
        used = update(refresh_tokens).values(used_at=moment)
        await self.run(used.where(refresh_tokens.c.digest == token.digest))
        await self._add_token(token.session, digest, moment)
        seen = update(sessions).values(used_at=moment)
        await self.run(seen.where(sessions.c.id == token.session.id))

    async def revoke(self, session: Session, moment: datetime) -> bool:
        """End the session and all its tokens; a second time changes nothing."""
        end = update(sessions).values(revoked_at=moment).where(sessions.c.id == session.id)
        ended = await self.run(end.where(sessions.c.revoked_at.is_(None))) == 1
        if ended:
            event = SessionRevoked(
                tenant_id=session.tenant_id,
                session_id=session.id,
                user_id=session.user_id,
                seq=1,
                at=moment,
            )
            await self.record(event)
        return ended

    async def open_ones(self, user_id: UUID, moment: datetime) -> list[Session]:
        """A user's sessions that have not ended, newest first."""
        query = select(*_SESSION).where(
            sessions.c.user_id == user_id,
            sessions.c.revoked_at.is_(None),
            sessions.c.expires_at > moment,
        )
        return await self.all(query.order_by(sessions.c.id.desc()), Session)

    async def end_all(
        self,
        user_id: UUID,
        moment: datetime,
        *,
        but: UUID | None = None,
    ) -> list[UUID]:
        """End a user's sessions, except one; answers which they were."""
        found = await self.open_ones(user_id, moment)
        return [each.id for each in found if each.id != but and await self.revoke(each, moment)]

    async def _add_token(self, session: Session, digest: bytes, moment: datetime) -> None:
        row = {
            "digest": digest,
            "session_id": session.id,
            "tenant_id": session.tenant_id,
            "issued_at": moment,
        }
        await self.run(insert(refresh_tokens).values(row))


class FailureRepository(Repository):
    """Failed sign-ins: levels that rise by one with each and fall by the limit each minute."""

    async def level(self, who: str, per_minute: int) -> float:
        values = {"who": who, "rate": per_minute / 60}
        return float(await self.connection.scalar(_LEVEL, values) or 0.0)

    async def count(self, who: str, per_minute: int) -> None:
        await self.connection.execute(_RAISE, {"who": who, "rate": per_minute / 60})

    async def forgive(self, who: str) -> None:
        await self.connection.execute(_FORGIVE, {"who": who})

    async def forget_old(self) -> None:
        await self.connection.execute(_FORGET_OLD)


_NOW = "clock_timestamp()"
_LEFT = f"greatest(0, f.level - :rate * extract(epoch from {_NOW} - f.at))"
_LEVEL = text(f"select {_LEFT} from sign_in_failures f where who = :who")
_RAISE = text(
    f"""insert into sign_in_failures as f (who, level, at) values (:who, 1, {_NOW})
    on conflict (who) do update set level = {_LEFT} + 1, at = {_NOW}""",
)
_FORGIVE = text("delete from sign_in_failures where who = :who")
# skip locked: two that forget at once must not wait for each other
_FORGET_OLD = text(
    """delete from sign_in_failures where who in (
        select who from sign_in_failures where at < now() - interval '1 hour'
        order by at limit 100 for update skip locked
    )""",
)
