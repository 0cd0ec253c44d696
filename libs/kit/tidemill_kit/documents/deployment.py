"""Variables that no service reads: those of the servers, the gateway and the command."""

from typing import Annotated

from msgspec import Meta, Struct

SECRET = {"secret": True}


class Stack(Struct, frozen=True, kw_only=True):
    """What `tidemill up`, `tidemill migrate` and compose.yaml read."""

    admin_database_url: Annotated[
        str,
        Meta(
            description="PostgreSQL URL of the owner of all tables; empty starts a server.",
            extra=SECRET,
        ),
    ] = ""
    service_db_password: Annotated[
        str,
        Meta(
            description="Password of a service's database role, such as TM_JOBS_DB_PASSWORD.",
            extra=SECRET,
        ),
    ] = ""
    nats_service_password: Annotated[
        str,
        Meta(
            description="Password of a service's NATS user, such as TM_NATS_JOBS_PASSWORD.",
            extra=SECRET,
        ),
    ] = ""
    s3_service_access_key: Annotated[
        str,
        Meta(description="A service's key to an object store elsewhere.", extra=SECRET),
    ] = ""
    s3_service_secret_key: Annotated[str, Meta(description="Its secret.", extra=SECRET)] = ""
    nats_listen: Annotated[str, Meta(description="Where NATS listens.")] = ""
    nats_monitor: Annotated[str, Meta(description="Where NATS tells of itself.")] = ""
    nats_store_dir: Annotated[str, Meta(description="Where JetStream keeps its streams.")] = ""


class Gateway(Struct, frozen=True, kw_only=True):
    """What the Caddyfile reads; `tidemill up` sets all of them."""

    gateway_address: Annotated[
        str,
        Meta(description="Site address; a domain in it makes Caddy fetch a certificate."),
    ] = "http://:8080"
    gateway_bind: Annotated[str, Meta(description="Interface to listen on.")] = "127.0.0.1"
    gateway_admin: Annotated[str, Meta(description="Caddy's administration endpoint.")] = "off"
    gateway_log_level: Annotated[str, Meta(description="DEBUG, INFO, WARN or ERROR.")] = "WARN"
    service_upstream: Annotated[
        str,
        Meta(description="Addresses of a service's replicas, such as TM_JOBS_UPSTREAM."),
    ] = "<service>:8000"
    s3_upstream: Annotated[str, Meta(description="Address of the object store.")] = "s3:8333"
    dashboard_root: Annotated[
        str,
        Meta(description="Folder with the built dashboard."),
    ] = "/srv/dashboard"
    docs_root: Annotated[
        str,
        Meta(description="Folder with openapi.json, asyncapi.json and docs/."),
    ] = "/srv/tidemill"


class Command(Struct, frozen=True, kw_only=True):
    """What the command `tidemill` reads."""

    url: Annotated[
        str,
        Meta(description="Which Tidemill to speak to, instead of where you signed in."),
    ] = ""
    token: Annotated[
        str,
        Meta(description="An access token or API key to use instead.", extra=SECRET),
    ] = ""
