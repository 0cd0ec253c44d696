"""What ingestion reads besides the kit's settings."""

from typing import Annotated

from msgspec import Meta

from tidemill_kit import settings

TEBIBYTE = 1024**4


class Settings(settings.Settings, frozen=True, kw_only=True):
    max_dataset_bytes: Annotated[
        int,
        Meta(ge=1, description="Bytes of one uploaded file."),
    ] = TEBIBYTE
    max_tenant_bytes: Annotated[
        int,
        Meta(ge=1, description="Bytes of all uploaded files of one tenant."),
    ] = TEBIBYTE
    upload_stall_s: Annotated[
        float,
        Meta(gt=0, description="Seconds after which an upload that sends nothing is ended."),
    ] = 60.0
