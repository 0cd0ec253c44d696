"""Uploads in parts: several at a time, and after a break only those that are missing."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from tidemill_client.account import Account
from tidemill_client.gateway import Body
from tidemill_client.problems import ApiProblem, Corrupted
from tidemill_client.uploads import PIECE_BYTES, RAW, ProgressHook
from tidemill_contracts.datasets import Dataset, IngestOptions
from tidemill_contracts.pages import Page
from tidemill_contracts.uploads import (
    BeginUpload,
    CompleteUpload,
    Upload,
    UploadPart,
    UploadStatus,
)

IN_PARTS_FROM_BYTES = 64 * 1024 * 1024
PARALLEL = 4
MOST_ROUNDS_IN_VAIN = 3
EDGE_BYTES = 1024 * 1024


class Uploads(Account):
    """The part of the client that sends large files."""

    async def begin_upload(self, order: BeginUpload) -> Upload:
        return await self.post("/v1/uploads", Upload, order)

    async def begun_upload(self, upload_id: UUID) -> Upload:
        """An upload with the parts that are there, and links for those that are missing."""
        return await self.get(f"/v1/uploads/{upload_id}", Upload)

    async def uploads(
        self,
        *,
        status: UploadStatus | None = UploadStatus.UPLOADING,
        fingerprint: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Upload]:
        """The newest uploads in parts first, those that are open unless `status` says else."""
        query = {"status": status and status.value, "fingerprint": fingerprint}
        query |= {"limit": str(limit), "cursor": cursor}
        return await self.get("/v1/uploads", Page[Upload], query)

    async def abort_upload(self, upload_id: UUID) -> None:
        await self.gateway.call("DELETE", f"/v1/uploads/{upload_id}")

    async def complete_upload(self, upload_id: UUID, sha256: str | None = None) -> Dataset:
        """The dataset, once what was stored has been read again."""
        path = f"/v1/uploads/{upload_id}/complete"
        while True:
            headers = {"Idempotency-Key": str(upload_id)}
            order = CompleteUpload(sha256)
            answer = await self.gateway.send("POST", path, order=order, headers=headers)
            if answer.status_code != HTTPStatus.ACCEPTED:
                return msgspec.json.decode(answer.content, type=Dataset)
            await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))

    async def upload_in_parts(
        self,
        file: Path,
        name: str | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        options: IngestOptions | None = None,
        upload_id: UUID | None = None,
        parallel: int = PARALLEL,
        progress: ProgressHook | None = None,
    ) -> Dataset:
        """Send a file in parts; one that was broken off before goes on where it was.

        It is known again by its name, size, time and first and last bytes, or by `upload_id`.
        """
        about: dict[str, Any] = {"name": name or file.name, "labels": dict(labels or {})}
        about["options"] = msgspec.to_builtins(options) if options else {}
        upload = await self._open(file, about, upload_id)
        hashing = asyncio.create_task(asyncio.to_thread(sha256_of, file))
        try:
            await self._send_missing(upload.id, file, parallel, progress)
            sha256 = await hashing
            dataset = await self.complete_upload(upload.id, sha256)
        finally:
            hashing.cancel()
        if dataset.sha256 not in (None, sha256):
            raise Corrupted(f"{file} is {sha256}, stored is {dataset.sha256}")
        return dataset

    async def _open(self, file: Path, about: dict[str, Any], upload_id: UUID | None) -> Upload:
        size = (await asyncio.to_thread(file.stat)).st_size
        if upload_id is not None:
            found = await self.begun_upload(upload_id)
            if found.size_bytes != size:
                raise Corrupted(f"{file} has {size} bytes, the upload {found.size_bytes}")
            return found
        fingerprint = await asyncio.to_thread(fingerprint_of, file, about["name"])
        for each in (await self.uploads(fingerprint=fingerprint)).items:
            if each.size_bytes == size:
                return each
        order = BeginUpload(size_bytes=size, fingerprint=fingerprint, **about)
        return await self.begin_upload(order)

    async def _send_missing(
        self, upload_id: UUID, file: Path, parallel: int, progress: ProgressHook | None
    ) -> None:
        turn, in_vain, before = asyncio.Semaphore(parallel), 0, -1
        while True:
            upload = await self.begun_upload(upload_id)
            if upload.parts is UNSET:
                return
            there = upload.stored_bytes or 0
            if there == upload.size_bytes:
                return
            in_vain = in_vain + 1 if there == before else 0
            if in_vain == MOST_ROUNDS_IN_VAIN:
                raise Corrupted("the object store keeps none of the parts that are sent")
            told = _Told(there, upload.size_bytes, progress)
            async with asyncio.TaskGroup() as tasks:
                for part in upload.parts:
                    if part.uri is not UNSET:
                        tasks.create_task(self._send(turn, file, part, told))
            before = there

    async def _send(
        self, turn: asyncio.Semaphore, file: Path, part: UploadPart, told: "_Told"
    ) -> None:
        async with turn:
            body = Body(lambda: _slice(file, part), RAW, part.size_bytes)
            try:
                await self.gateway.store(str(part.uri), body)
            except ApiProblem as problem:
                # a link whose hour is over; the next round has new ones
                if problem.status != HTTPStatus.FORBIDDEN:
                    raise
            else:
                told.add(part.size_bytes)


class _Told:
    """How many bytes are there by now."""

    def __init__(self, there: int, total: int, hook: ProgressHook | None) -> None:
        self._there, self._total, self._hook = there, total, hook
        self.add(0)

    def add(self, count: int) -> None:
        self._there += count
        if self._hook:
            self._hook(self._there, self._total)


def fingerprint_of(file: Path, name: str) -> str:
    """A word for this file as it is now; cheap, and checked by the sha256 at the end."""
    facts = file.stat()
    digest = hashlib.sha256(f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
    with file.open("rb") as source:
        digest.update(source.read(EDGE_BYTES))
        source.seek(max(0, facts.st_size - EDGE_BYTES))
        digest.update(source.read(EDGE_BYTES))
    return digest.hexdigest()


def sha256_of(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


async def _slice(file: Path, part: UploadPart) -> AsyncIterator[bytes]:
    source: IO[Any] = await asyncio.to_thread(file.open, "rb")
    read: Callable[[int], bytes] = source.read
    with source:
        source.seek(part.offset)
        left = part.size_bytes
        while left and (piece := await asyncio.to_thread(read, min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece
