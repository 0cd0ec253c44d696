"""The client's calls about archives: jobs of other systems, out of files."""

from uuid import UUID

from tidemill_client.account import Account
from tidemill_client.gateway import Body
from tidemill_contracts.archives import Archive
from tidemill_contracts.pages import Page, StreamedEvent

PATH = "/v1/archives"
ZIP = "application/zip"


class Archives(Account):
    """The part of the client that shows what ran elsewhere."""

    async def import_archive(self, file: bytes) -> Archive:
        """Bring a file that `recording.write` made; to bring it twice is to bring it once."""
        body = Body(lambda: file, media_type=ZIP, size_bytes=len(file))
        return await self.gateway.call("POST", PATH, Archive, body=body)

    async def archives(self, *, limit: int = 50, cursor: str | None = None) -> Page[Archive]:
        """Those of the newest jobs first; `job` is not in them."""
        return await self.get(PATH, Page[Archive], {"limit": limit, "cursor": cursor})

    async def archive(self, archive_id: UUID, *, at: str | None = None) -> Archive:
        """With its job, as it ended or as it was at a cursor of the log that it comes from."""
        return await self.get(f"{PATH}/{archive_id}", Archive, {"at": at})

    async def archive_events(
        self, archive_id: UUID, *, limit: int = 50, cursor: str | None = None
    ) -> Page[StreamedEvent]:
        """Oldest first, with the places that they had in their own log."""
        query = {"limit": limit, "cursor": cursor}
        return await self.get(f"{PATH}/{archive_id}/events", Page[StreamedEvent], query)

    async def archive_file(self, archive_id: UUID) -> bytes:
        """The file as it came; `recording.read` reads it."""
        return (await self.gateway.send("GET", f"{PATH}/{archive_id}/file")).content

    async def delete_archive(self, archive_id: UUID) -> None:
        await self.gateway.call("DELETE", f"{PATH}/{archive_id}")
