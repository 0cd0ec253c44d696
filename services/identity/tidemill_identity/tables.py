"""The tables that identity owns."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Float, LargeBinary, MetaData, Named, Table, TypedColumns, Uuid

from tidemill_kit.db import Json, Timestamp, events_table

metadata = MetaData()


class TenantColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    name: Named[str]
    created_at: Named[datetime] = Column(Timestamp)
    deleted_at: Named[datetime | None] = Column(Timestamp)


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
    user_agent: Named[str | None]
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


class ApiKeyColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    tenant_id: Named[UUID]
    user_id: Named[UUID]
    name: Named[str]
    role: Named[str]
    prefix: Named[str]
    digest: Named[bytes] = Column(LargeBinary)
    created_at: Named[datetime] = Column(Timestamp)
    expires_at: Named[datetime | None] = Column(Timestamp)
    last_used_at: Named[datetime | None] = Column(Timestamp)
    revoked_at: Named[datetime | None] = Column(Timestamp)


class InvitationColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    tenant_id: Named[UUID]
    email: Named[str]
    role: Named[str]
    digest: Named[bytes] = Column(LargeBinary)
    invited_by: Named[UUID]
    created_at: Named[datetime] = Column(Timestamp)
    expires_at: Named[datetime] = Column(Timestamp)
    accepted_at: Named[datetime | None] = Column(Timestamp)


class ResetLinkColumns(TypedColumns):
    digest: Named[bytes] = Column(LargeBinary, primary_key=True)
    tenant_id: Named[UUID]
    user_id: Named[UUID]
    expires_at: Named[datetime] = Column(Timestamp)
    used_at: Named[datetime | None] = Column(Timestamp)


class AuditColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    tenant_id: Named[UUID]
    at: Named[datetime] = Column(Timestamp)
    actor_id: Named[UUID | None]
    via: Named[str]
    action: Named[str]
    target: Named[str | None]
    address: Named[str | None]
    outcome: Named[str]
    details: Named[dict[str, Any]] = Column(Json(dict[str, Any]))


tenants = Table("tenants", metadata, TenantColumns)
users = Table("users", metadata, UserColumns)
sessions = Table("sessions", metadata, SessionColumns)
refresh_tokens = Table("refresh_tokens", metadata, RefreshTokenColumns)
setup_links = Table("setup_links", metadata, SetupLinkColumns)
sign_in_failures = Table("sign_in_failures", metadata, SignInFailureColumns)
api_keys = Table("api_keys", metadata, ApiKeyColumns)
invitations = Table("invitations", metadata, InvitationColumns)
reset_links = Table("reset_links", metadata, ResetLinkColumns)
audit = Table("audit", metadata, AuditColumns)
events = events_table(metadata)
