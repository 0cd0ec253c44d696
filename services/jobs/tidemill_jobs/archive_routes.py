"""HTTP: jobs of other systems, out of files."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Response

from tidemill_contracts.archives import MAX_FILE_BYTES, Archive
from tidemill_contracts.pages import Page, StreamedEvent
from tidemill_jobs import archives as kept
from tidemill_jobs.archives import ArchiveRepository
from tidemill_jobs.routes import MAX_SEQ, At, Limit
from tidemill_kit.app import READ, WRITE, Caller
from tidemill_kit.paging import page_of

Archives = NamedDependency[ArchiveRepository]
Asking = Request[Any, Any, Any]
ZIP = "application/zip"


class ArchiveController(Controller):
    """Jobs that ran elsewhere: shown here, never run."""

    path = "/v1/archives"
    tags = ("Archives",)

    @post(opt=WRITE, operation_id="importArchive", request_max_body_size=MAX_FILE_BYTES)
    async def bring(self, request: Asking, principal: Caller) -> Response[Archive]:
        """Keep a file that `tidemill events export` wrote; the body is the file.

        201 with the archive, under the job's own id; 200 where it is here already. It has no part
        in the log: its events are shown with the cursors of the log that they come from.
        """
        made, is_new = await kept.import_file(request.app, principal, await request.body())
        headers = {"Location": f"/v1/archives/{made.id}"}
        return Response(made, status_code=201 if is_new else 200, headers=headers)

    @get(opt=READ, operation_id="listArchives")
    async def newest(
        self,
        request: Asking,
        archives: Archives,
        cursor: FromQuery[UUID | None] = None,
        limit: Limit = 50,
    ) -> Response[Page[Archive]]:
        """The tenant's archives, those of the newest jobs first."""
        found = await archives.newest(before=cursor, limit=limit + 1)
        return page_of(request, found, limit, lambda archive: archive.id)

    @get("/{archive_id:uuid}", opt=READ, operation_id="showArchive")
    async def show(
        self,
        request: Asking,
        principal: Caller,
        archive_id: FromPath[UUID],
        at: At = None,
    ) -> Archive:
        """A job out of a file; with `at` as it was at this cursor of the log it comes from."""
        if at is not None:
            return await kept.archive_at(request.app, principal.tenant_id, archive_id, at)
        return await kept.archive(request.app, principal.tenant_id, archive_id)

    @get("/{archive_id:uuid}/events", opt=READ, operation_id="archiveEvents")
    async def events(
        self,
        request: Asking,
        principal: Caller,
        archive_id: FromPath[UUID],
        limit: Limit = 50,
        cursor: Annotated[int, QueryParameter(ge=0, le=MAX_SEQ)] = 0,
    ) -> Response[Page[StreamedEvent]]:
        """The job's events, oldest first, each with its place in the log it comes from."""
        found = await kept.archived_events(request.app, principal.tenant_id, archive_id)
        return page_of(request, found[cursor:], limit, lambda _: cursor + limit)

    @get("/{archive_id:uuid}/file", opt=READ, operation_id="archiveFile", media_type=ZIP)
    async def file(self, archive_id: FromPath[UUID], archives: Archives) -> Response[bytes]:
        """The file as it came."""
        name = f'attachment; filename="{archive_id}.tidemill.zip"'
        body = await archives.file(archive_id)
        return Response(body, media_type=ZIP, headers={"Content-Disposition": name})

    @delete("/{archive_id:uuid}", opt=WRITE, operation_id="deleteArchive")
    async def remove(self, archive_id: FromPath[UUID], archives: Archives) -> None:
        """Forget an archive."""
        await archives.remove(archive_id)
