"""The disk below an object store on this machine: how full it is."""

import shutil
from pathlib import Path

from tidemill_kit.settings import Settings

MEBIBYTE = 1024 * 1024


class Disk:
    """Whether more may be written to it; of a store elsewhere nothing is known.

    SeaweedFS that has filled its disk takes nothing more until it is started again, room or not,
    so it must not come to that.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = Path(settings.s3_folder) if settings.s3_folder else None
        self._kept_free = settings.s3_free_percent / 100

    def lack(self, size_bytes: int = 0) -> str | None:
        """Why so much more does not fit; None where it does."""
        if self._folder is None:
            return None
        disk = shutil.disk_usage(self._folder)
        if disk.free - size_bytes >= disk.total * self._kept_free:
            return None
        return (
            f"{disk.free // MEBIBYTE:,} of {disk.total // MEBIBYTE:,} MiB are free, "
            f"{self._kept_free:.1%} must stay so"
        )
