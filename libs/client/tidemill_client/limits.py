"""What is held, and what is collected."""

from uuid import UUID

from tidemill_client.partwise import Uploads
from tidemill_contracts.collection import Collection, RunCollection
from tidemill_contracts.pages import Page
from tidemill_contracts.usage import Usage


class Holdings(Uploads):
    """The part of the client that asks what there is, and for less of it."""

    async def usage(self) -> Usage:
        """What the tenant has of what is limited."""
        return await self.get("/v1/usage", Usage)

    async def collect(self, *, dry_run: bool = False) -> Collection:
        """Begin to remove stored objects that nobody needs; `dry_run` only looks."""
        return await self.post("/v1/gc", Collection, RunCollection(dry_run))

    async def collection(self, collection_id: UUID) -> Collection:
        return await self.get(f"/v1/gc/{collection_id}", Collection)

    async def collections(self, *, limit: int = 50) -> list[Collection]:
        return (await self.get("/v1/gc", Page[Collection], {"limit": limit})).items
