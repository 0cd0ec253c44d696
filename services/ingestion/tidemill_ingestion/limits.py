"""What a tenant may have, and the refusals that name each limit."""

from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from tidemill_ingestion.settings import Settings
from tidemill_kit.errors import TooLarge, TooMany


class DatasetTooLarge(TooLarge):
    """The file is larger than allowed."""


class StorageFull(TooMany):
    """The tenant's datasets would be larger than allowed."""


class TooManyDatasets(TooMany):
    """The tenant has as many datasets as allowed."""


class TooManyUploads(TooMany):
    """The tenant has as many open uploads as allowed."""


REFUSALS = (DatasetTooLarge, StorageFull, TooManyDatasets, TooManyUploads)


class Holdings(Struct, frozen=True):
    """What a tenant has; bytes of open uploads are taken from their beginning."""

    datasets: int = 0
    dataset_bytes: int = 0
    uploads: int = 0
    upload_bytes: int = 0

    @property
    def storage_bytes(self) -> int:
        return self.dataset_bytes + self.upload_bytes

    def and_dataset(self) -> Self:
        """With one dataset more, however large."""
        return replace(self, datasets=self.datasets + 1)

    def and_upload(self, size_bytes: int) -> Self:
        """With one upload more, of this size."""
        total = self.upload_bytes + size_bytes
        return replace(self, uploads=self.uploads + 1, upload_bytes=total)


class Allowance(Struct, frozen=True):
    """How many bytes may come."""

    dataset_bytes: int
    tenant_bytes: int

    def check(self, size: int) -> None:
        if size > self.dataset_bytes:
            raise DatasetTooLarge(limit="max_dataset_bytes", max_bytes=self.dataset_bytes)
        if size > self.tenant_bytes:
            raise StorageFull(limit="max_tenant_bytes", left_bytes=max(0, self.tenant_bytes))


class Limits(Struct, frozen=True, kw_only=True):
    """How much one tenant may have."""

    dataset_bytes: int
    tenant_bytes: int
    datasets: int
    uploads: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            dataset_bytes=settings.max_dataset_bytes,
            tenant_bytes=settings.max_tenant_bytes,
            datasets=settings.max_datasets,
            uploads=settings.max_open_uploads,
        )

    def check(self, held: Holdings) -> None:
        """Refuse what would be held after a change."""
        if held.storage_bytes > self.tenant_bytes:
            raise StorageFull(limit="max_tenant_bytes", max_bytes=self.tenant_bytes)
        if held.datasets > self.datasets:
            raise TooManyDatasets(limit="max_datasets", max_datasets=self.datasets)
        if held.uploads > self.uploads:
            raise TooManyUploads(limit="max_open_uploads", max_uploads=self.uploads)

    def left(self, held: Holdings) -> Allowance:
        """What a new file may have."""
        return Allowance(self.dataset_bytes, self.tenant_bytes - held.storage_bytes)
