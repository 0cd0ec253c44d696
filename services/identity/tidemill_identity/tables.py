"""The tables that identity owns."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Float, LargeBinary, MetaData, Named, Table, TypedColumns, Uuid

from tidemill_kit.db import Timestamp, events_table

metadata = MetaData()


class TenantColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    name: Named[str]
    created_at: Named[datetime] = Column(Timestamp)


class UserColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    tenant_id: Named[UUID]
    email: Named[str]
    email_key: Named[str]
    password_hash: Named[str]
    role: Named[str]
    system_admin: Named[bool]
    created_at: Named[datetime] = Column(Timestamp)
    disabled_at: Named[datetime | None] = Column(Timestamp)
    seq: Named[int]


class SessionColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    tenant_id: Named[UUID]
    user_id: Named[UUID]
    address: Named[str]
    created_at: Named[datetime] = Column(Timestamp)
    used_at: Named[datetime] = Column(Timestamp)
    expires_at: Named[datetime] = Column(Timestamp)
    revoked_at: Named[datetime | None] = Column(Timestamp)


class RefreshTokenColumns(TypedColumns):
    digest: Named[bytes] = Column(LargeBinary, primary_key=True)
    session_id: Named[UUID]
    tenant_id: Named[UUID]
    issued_at: Named[datetime] = Column(Timestamp)
    used_at: Named[datetime | None] = Column(Timestamp)


class SetupLinkColumns(TypedColumns):
    digest: Named[bytes] = Column(LargeBinary, primary_key=True)
    expires_at: Named[datetime] = Column(Timestamp)
    used_at: Named[datetime | None] = Column(Timestamp)


class SignInFailureColumns(TypedColumns):
    who: Named[str] = Column(primary_key=True)
    level: Named[float] = Column(Float)
    at: Named[datetime] = Column(Timestamp)


tenants = Table("tenants", metadata, TenantColumns)
users = Table("users", metadata, UserColumns)
sessions = Table("sessions", metadata, SessionColumns)
refresh_tokens = Table("refresh_tokens", metadata, RefreshTokenColumns)
setup_links = Table("setup_links", metadata, SetupLinkColumns)
sign_in_failures = Table("sign_in_failures", metadata, SignInFailureColumns)
events = events_table(metadata)
