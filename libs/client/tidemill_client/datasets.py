"""The client's calls about datasets."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, Unpack
from uuid import UUID

from msgspec import UNSET, to_builtins

from tidemill_client.downloads import Download
from tidemill_client.limits import Holdings
from tidemill_client.partwise import IN_PARTS_FROM_BYTES, PARALLEL
from tidemill_client.problems import Corrupted
from tidemill_client.uploads import ProgressHook, Source, Upload
from tidemill_contracts.datasets import Dataset, DatasetStatus, IngestOptions, RenameDataset
from tidemill_contracts.lineage import Lineage, SaveResult
from tidemill_contracts.pages import Page


class DatasetFields(TypedDict, total=False):
    """What `datasets` may be asked for; all that is given must hold."""

    status: DatasetStatus
    name: str
    format: str
    labels: dict[str, str]
    created_after: datetime
    created_before: datetime


class Datasets(Holdings):
    """The part of the client that brings data in and out."""

    async def upload(
        self,
        source: Source,
        name: str | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        options: IngestOptions | None = None,
        size_bytes: int | None = None,
        progress: ProgressHook | None = None,
        in_parts: bool | None = None,
        parallel: int = PARALLEL,
    ) -> Dataset:
        """Send a file, bytes or a stream of bytes up; the answer is checked by its sha256.

        A file of 64 MiB or more goes in parts, several at a time, and after a break it goes on
        with those that are missing; `in_parts` decides otherwise. `options` say how to read it.
        `progress` is told the bytes sent and their total, if that is known.
        """
        if isinstance(source, Path):
            large = source.stat().st_size >= IN_PARTS_FROM_BYTES
            if large if in_parts is None else in_parts:
                send = partial(self.upload_in_parts, source, name, labels=labels, options=options)
                return await send(parallel=parallel, progress=progress)
        upload = Upload(source, size_bytes=size_bytes, hook=progress)
        named = name or (source.name if isinstance(source, Path) else "upload")
        fields = {"labels": dict(labels)} if labels else {}
        fields |= to_builtins(options) if options else {}
        dataset = await self.post(
            "/v1/datasets",
            Dataset,
            body=upload.form({"name": named, **fields}) if fields else upload.raw(),
            query=None if fields else {"name": named},
        )
        if dataset.sha256 not in (None, upload.sha256):
            raise Corrupted(f"sent {upload.sha256}, stored {dataset.sha256}")
        return dataset

    async def dataset(self, dataset_id: UUID) -> Dataset:
        return await self.get(f"/v1/datasets/{dataset_id}", Dataset)

    async def datasets(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        **wanted: Unpack[DatasetFields],
    ) -> Page[Dataset]:
        """The newest that fit; `cursor` is the `next_cursor` of the page before.

        `name` is a part of the name; the status `deleted` is that of datasets in the trash.
        """
        query: dict[str, Any] = {**wanted, "limit": limit, "cursor": cursor}
        labels = query.pop("labels", {})
        query["label"] = [f"{key}:{value}" for key, value in labels.items()] or None
        for field in ("created_after", "created_before"):
            query[field] = query[field].isoformat() if field in wanted else None
        return await self.get("/v1/datasets", Page[Dataset], query)

    async def change_dataset(
        self,
        dataset_id: UUID,
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Dataset:
        """Give it another name, other labels, or both."""
        order = RenameDataset(
            name=UNSET if name is None else name,
            labels=UNSET if labels is None else dict(labels),
        )
        path = f"/v1/datasets/{dataset_id}"
        return await self.gateway.call("PATCH", path, Dataset, order=order)

    async def restore_dataset(self, dataset_id: UUID) -> Dataset:
        """Take a dataset out of the trash."""
        return await self.post(f"/v1/datasets/{dataset_id}/restore", Dataset)

    async def ingest_again(self, dataset_id: UUID, options: IngestOptions) -> Dataset:
        """Have the bytes that were uploaded read once more, as the options say.

        Until that has ended the dataset keeps its table; `wait_dataset` waits for the end, and
        `follow_dataset` shows how far it is. Jobs that are handed in meanwhile wait for it.
        """
        path = f"/v1/datasets/{dataset_id}/ingest"
        return await self.gateway.call("POST", path, Dataset, order=options)

    async def delete_dataset(self, dataset_id: UUID, *, purge: bool = False) -> None:
        """Put a dataset into the trash; `purge` is for good."""
        query = {"purge": "true"} if purge else None
        await self.gateway.call("DELETE", f"/v1/datasets/{dataset_id}", query=query)

    async def preview(self, dataset_id: UUID) -> dict[str, Any]:
        """The first hundred rows: `{columns, rows}`."""
        return await self.get(f"/v1/datasets/{dataset_id}/preview", dict[str, Any])

    async def profile(self, dataset_id: UUID) -> dict[str, Any]:
        """Figures of each column, and how the file was read: `{rows, columns, detected}`."""
        return await self.get(f"/v1/datasets/{dataset_id}/profile", dict[str, Any])

    def rejects(self, dataset_id: UUID) -> Download:
        """What could not be used, one JSON object a line; ApiProblem `no_rejects` without any."""
        return Download(self.gateway, f"/v1/datasets/{dataset_id}/rejects")

    async def dataset_lineage(self, dataset_id: UUID) -> Lineage:
        """What the dataset was made of, and what was made of it."""
        return await self.get(f"/v1/datasets/{dataset_id}/lineage", Lineage)

    async def job_lineage(self, job_id: UUID) -> Lineage:
        """What the job read, and what was made of its result."""
        return await self.get(f"/v1/jobs/{job_id}/lineage", Lineage)

    async def save_result(
        self,
        job_id: UUID,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Dataset:
        """Make a dataset of the frame that a job gave; no byte of it comes here."""
        order = SaveResult(name=name, labels=dict(labels or {}))
        path = f"/v1/jobs/{job_id}/result/dataset"
        return await self.post(path, Dataset, order, key=idempotency_key)

    def content(
        self,
        dataset_id: UUID,
        *,
        format: str | None = None,  # noqa: A002 - the API's word
        safe: bool = False,
    ) -> Download:
        """The uploaded bytes, or the table in this format.

        In a `safe` CSV file no text is a formula to a spreadsheet.
        """
        path = f"/v1/datasets/{dataset_id}/content"
        return Download(self.gateway, path, format=format, safe=safe)
