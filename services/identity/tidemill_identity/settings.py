"""What identity reads besides the kit's settings."""

from typing import Annotated, Literal

from msgspec import Meta

from tidemill_kit import settings

type Registering = Literal["open", "invite", "closed"]


class Settings(settings.Settings, frozen=True, kw_only=True):
    jwt_private_key: Annotated[
        str,
        Meta(
            description="Ed25519 keys in PEM: the first one signs, all are published.",
            extra={"secret": True},
        ),
    ] = ""
    access_token_s: Annotated[
        int,
        Meta(ge=1, le=3_600, description="Seconds an access token is good for."),
    ] = 600
    session_s: Annotated[
        int, Meta(ge=1, description="Seconds until a sign-in must be renewed.")
    ] = 30 * 24 * 3_600
    registration: Annotated[
        Registering,
        Meta(description="Who may register: anybody, whoever is invited, nobody."),
    ] = "open"
    sign_in_failures_per_account: Annotated[
        int,
        Meta(ge=1, description="Failed sign-ins a minute for one account."),
    ] = 5
    sign_in_failures_per_address: Annotated[
        int,
        Meta(ge=1, description="Failed sign-ins a minute from one address."),
    ] = 100
    max_waiting_sign_ins: Annotated[
        int,
        Meta(ge=1, description="Passwords that may wait to be checked; two are at a time."),
    ] = 64
    setup_link_s: Annotated[int, Meta(ge=1, description="Seconds a setup link is good for.")] = (
        24 * 3_600
    )
    reset_link_s: Annotated[
        int,
        Meta(ge=60, description="Seconds a link to a new password is good for."),
    ] = 24 * 3_600
    services: Annotated[
        str,
        Meta(description="Whom `/readyz` asks: name=http://address, separated by commas."),
    ] = ""
