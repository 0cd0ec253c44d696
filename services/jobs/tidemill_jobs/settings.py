"""Settings of the jobs service: mostly timers, so that tests can run with short ones."""

from typing import Annotated

from msgspec import Meta

from tidemill_kit.settings import Settings


class JobsSettings(Settings, frozen=True, kw_only=True):
    """What the jobs service reads beside the rest."""

    lease_s: Annotated[float, Meta(description="How long an attempt lives without a beat.")] = 30.0
    order_s: Annotated[
        float,
        Meta(description="After this long an order that nobody claimed is sent again."),
    ] = 15.0
    sweep_s: Annotated[float, Meta(description="How often the sweeper looks at everything.")] = 15.0
    alive_s: Annotated[
        float,
        Meta(description="How long a worker counts as live after it announced itself."),
    ] = 35.0
    export_wait_s: Annotated[
        float,
        Meta(description="How long a download waits for its file to be made before it says 202."),
    ] = 30.0
    result_retention_s: Annotated[
        float,
        Meta(ge=0, description="How long results of a job that ended are kept."),
    ] = 30 * 86_400.0
    job_retention_s: Annotated[
        float,
        Meta(ge=0, description="How long a job that ended is kept, with its events."),
    ] = 30 * 86_400.0
    failed_job_retention_s: Annotated[
        float,
        Meta(ge=0, description="The same for one that failed."),
    ] = 90 * 86_400.0
    forget_s: Annotated[
        float,
        Meta(gt=0, description="How often jobs that are over their time are looked for."),
    ] = 3_600.0
    max_archive_bytes: Annotated[
        int,
        Meta(ge=0, description="How large a tenant's imported files of jobs may be together."),
    ] = 1024**3
