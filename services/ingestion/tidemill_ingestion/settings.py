"""What ingestion reads besides the kit's settings."""

from typing import Annotated

from msgspec import Meta

from tidemill_kit import settings

MEBIBYTE = 1024**2
TEBIBYTE = 1024**4
DAY_S = 86_400.0


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
    max_datasets: Annotated[
        int,
        Meta(ge=1, description="Datasets of one tenant, those in the trash counted."),
    ] = 100_000
    max_open_uploads: Annotated[
        int,
        Meta(ge=1, description="Uploads in parts that one tenant may have open at a time."),
    ] = 1_000
    upload_part_bytes: Annotated[
        int,
        Meta(ge=5 * MEBIBYTE, description="Bytes of a part, unless there would be too many."),
    ] = 8 * MEBIBYTE
    upload_expiry_s: Annotated[
        float,
        Meta(gt=0, description="Seconds after which an unfinished upload in parts is given up."),
    ] = DAY_S
    upload_answer_s: Annotated[
        float,
        Meta(ge=0, description="Seconds that completing an upload may take before it says 202."),
    ] = 20.0
    trash_s: Annotated[
        float,
        Meta(ge=0, description="Seconds in which a deleted dataset can be restored."),
    ] = 7 * DAY_S
    tidy_s: Annotated[
        float,
        Meta(gt=0, description="How often expired uploads and the trash are looked at."),
    ] = 60.0
    collect_s: Annotated[
        float,
        Meta(gt=0, description="How often stored objects that nobody needs are collected."),
    ] = 3_600.0
    orphan_age_s: Annotated[
        float,
        Meta(ge=0, description="How old an object without an owner must be to be collected."),
    ] = DAY_S
