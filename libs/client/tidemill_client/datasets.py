"""The client's calls about datasets."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from tidemill_client.account import Account
from tidemill_client.downloads import Download
from tidemill_client.problems import Corrupted
from tidemill_client.uploads import ProgressHook, Source, Upload
from tidemill_contracts.datasets import Dataset
from tidemill_contracts.lineage import Lineage, SaveResult
from tidemill_contracts.pages import Page


class Datasets(Account):
    """The part of the client that brings data in and out."""

    async def upload(
        self,
        source: Source,
        name: str | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        size_bytes: int | None = None,
        progress: ProgressHook | None = None,
    ) -> Dataset:
        """Stream a file, bytes or a stream of bytes up; the answer is checked by its sha256.

        `progress` is told the bytes sent and their total, if that is known.
        """
        upload = Upload(source, size_bytes=size_bytes, hook=progress)
        named = name or (source.name if isinstance(source, Path) else "upload")
        dataset = await self.post(
            "/v1/datasets",
            Dataset,
            body=upload.form(named, labels) if labels else upload.raw(),
            query=None if labels else {"name": named},
        )
        if dataset.sha256 not in (None, upload.sha256):
            raise Corrupted(f"sent {upload.sha256}, stored {dataset.sha256}")
        return dataset

    async def dataset(self, dataset_id: UUID) -> Dataset:
        return await self.get(f"/v1/datasets/{dataset_id}", Dataset)

    async def datasets(self, *, limit: int = 50, cursor: str | None = None) -> Page[Dataset]:
        """The newest first; `cursor` is the `next_cursor` of the page before."""
        query = {"limit": limit, "cursor": cursor}
        return await self.get("/v1/datasets", Page[Dataset], query)

    async def delete_dataset(self, dataset_id: UUID) -> None:
        await self.gateway.call("DELETE", f"/v1/datasets/{dataset_id}")

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
