"""Guesses at passwords: failures are counted and limited, successes never."""

from collections.abc import Mapping

from tidemill_identity.audit import REFUSED, Actor, AuditRepository
from tidemill_identity.lifecycle import Account, Origin, account_counter, address_counter
from tidemill_identity.repository import FailureRepository
from tidemill_identity.settings import Settings
from tidemill_kit.db import NO_TENANT, Database
from tidemill_kit.errors import TooMany


class TooManyFailures(TooMany):
    """Too many sign-ins have failed; wait a little."""

    retry_after_s = 12


async def refuse(database: Database, settings: Settings, email: str, origin: Origin) -> None:
    """Raises TooManyFailures where this account or address has failed too often."""
    async with database.transaction() as connection:
        failures = FailureRepository(connection)
        for limit, who in _counters(email, origin).items():
            allowed = getattr(settings, limit)
            if await failures.level(who, allowed) > allowed - 1:
                raise TooManyFailures(limit=limit)


async def count(
    database: Database,
    settings: Settings,
    email: str,
    origin: Origin,
    account: Account | None,
) -> None:
    """One more failure, in the audit trail of the account's tenant.

    That of an unknown account is in the trail of no tenant: it must take as long.
    """
    async with database.transaction() as connection:
        failures = FailureRepository(connection)
        for limit, who in _counters(email, origin).items():
            await failures.count(who, getattr(settings, limit))
        await failures.forget_old()
        actor = known_by_password(account, origin)
        trail = AuditRepository(connection, actor.tenant_id)
        await trail.note(actor, "session.opened", outcome=REFUSED)


def known_by_password(account: Account | None, origin: Origin) -> Actor:
    return Actor(
        tenant_id=account.tenant_id if account else NO_TENANT,
        user_id=account.id if account else None,
        via="password",
        address=origin.address,
    )


def _counters(email: str, origin: Origin) -> Mapping[str, str]:
    """The counters of an attempt, by the setting that limits them."""
    return {
        "sign_in_failures_per_account": account_counter(email),
        "sign_in_failures_per_address": address_counter(origin.address),
    }
