"""Settings: the environment as one frozen Struct, read once."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

PREFIX = "TM_"


class Settings(Struct, frozen=True, kw_only=True):
    """What every service reads."""

    host: Annotated[str, Meta(description="Address the service listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port the service listens on.")] = 0
    public_url: Annotated[
        str,
        Meta(description="Address of the gateway as clients see it; links are signed for it."),
    ] = "http://127.0.0.1:8080"
    database_url: Annotated[
        str,
        Meta(description="PostgreSQL URL with the service's own role.", extra={"secret": True}),
    ] = ""
    nats_url: Annotated[str, Meta(description="Address of NATS.")] = "nats://127.0.0.1:4222"
    nats_user: Annotated[str, Meta(description="The service's NATS user.")] = ""
    nats_password: Annotated[
        str,
        Meta(description="Password of the NATS user.", extra={"secret": True}),
    ] = ""
    s3_endpoint: Annotated[str, Meta(description="Address of the object store.")] = ""
    s3_region: Annotated[str, Meta(description="Region the object store signs for.")] = "us-east-1"
    s3_access_key: Annotated[str, Meta(description="The service's access key.")] = ""
    s3_secret_key: Annotated[
        str,
        Meta(description="Secret of the access key.", extra={"secret": True}),
    ] = ""
    s3_datasets_bucket: Annotated[str, Meta(description="Bucket of uploaded bytes.")] = (
        "tidemill-datasets"
    )
    s3_results_bucket: Annotated[str, Meta(description="Bucket of frames and results.")] = (
        "tidemill-results"
    )
    s3_timeout_s: Annotated[
        float,
        Meta(
            gt=0,
            description="Seconds that a request to the object store may take, with its repetitions;"
            " 5 MiB must pass in it.",
        ),
    ] = 20.0
    s3_folder: Annotated[
        str,
        Meta(description="Folder of an object store on this machine, to see how full its disk is."),
    ] = ""
    s3_free_percent: Annotated[
        float,
        Meta(ge=0, le=100, description="How much of that disk must stay free, in percent."),
    ] = 2.0
    jwks_url: Annotated[str, Meta(description="Where identity publishes its public keys.")] = ""
    jwt_issuer: Annotated[str, Meta(description="Issuer that tokens must name.")] = "tidemill"
    jwt_audience: Annotated[str, Meta(description="Audience that tokens must name.")] = (
        "tidemill-api"
    )
    tenant_requests: Annotated[
        int,
        Meta(ge=1, description="Requests a second of one tenant, to each process of a service."),
    ] = 20_000
    log_level: Annotated[str, Meta(description="debug, info, warning or error.")] = "info"


class SettingMissing(ValueError):
    """A setting is neither in the environment nor has it a default."""


def load[S: Struct](kind: type[S], environment: Mapping[str, str] | None = None) -> S:
    """The settings in the environment: `TM_PORT` fills `port`, `TM_X_FILE` names a file with X.

    Raises msgspec.ValidationError, naming the field, for a value that does not fit.
    """
    env = os.environ if environment is None else environment
    found: dict[str, str] = {}
    for field in msgspec.structs.fields(kind):
        name = PREFIX + field.name.upper()
        if file := env.get(f"{name}_FILE"):
            found[field.name] = Path(file).read_text().strip()
        elif name in env:
            found[field.name] = env[name]
    return msgspec.convert(found, kind, strict=False)
