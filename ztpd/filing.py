"""Files between CPEs and disk: what a token stands for is asked of the store, bytes go through threads."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ztpd.acs.file_server import FileLimits, Files, FileServer, Sink, Source
from ztpd.logs import Trouble
from ztpd.provisioning.seams import tell
from ztpd.store import files, transfer_grants, transfer_reading, transfers
from ztpd.store.files import FileProblem, FileSettings, Incoming
from ztpd.store.store import Store

log = structlog.get_logger()

_BETWEEN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Filing:
    """What the file server works with; ``filed`` is told what became of each request."""

    store: Store
    settings: FileSettings
    filed: Callable[[str], None] = lambda outcome: None

    async def server(self) -> FileServer:
        """The file server, with nothing left of what an earlier run did not end."""
        await self._recover()
        files = Files(self.fetch, self.take, self.keep, self.refused)
        return FileServer(files, FileLimits(total=self.settings.concurrency), self.filed)

    async def run(self) -> None:
        """Drop what is too old, until cancelled."""
        trouble = Trouble()
        while True:
            try:
                await self._make_room()
                trouble.over()
            except Exception as error:
                tell(trouble, "old uploads are not dropped", error)
            await asyncio.sleep(_BETWEEN_S)

    async def fetch(self, token: str, peer: str) -> Source | None:
        """The file that a token lets its CPE fetch."""
        grant = await self._grant(token, peer)
        if grant is None or grant.incoming:
            return None
        try:
            return await asyncio.to_thread(files.open_file, self.settings.folder, grant.file, grant.size, grant.sha256)
        except FileProblem as error:
            log.error("acs_file_unusable", problem=error.problem, remedy=error.remedy)
            await self.store.commit(transfer_grants.refuse, grant, error.problem)
            return None

    async def take(self, token: str, peer: str) -> Sink | None:
        """A place for the file that a token lets its CPE send."""
        grant = await self._grant(token, peer)
        if grant is None or not grant.incoming:
            return None
        incoming = await asyncio.to_thread(files.begin, self.settings.uploads, grant.file, self.settings.upload_bytes)
        return _Taken(incoming, grant)

    async def _grant(self, token: str, peer: str) -> transfer_grants.Grant | None:
        # Whoever tries tokens must not keep the writer at work.
        if not await self.store.read(lambda reader: transfer_reading.is_known(reader, token)):
            return None
        return await self.store.commit(transfer_grants.use, token, peer)

    async def keep(self, sink: Sink) -> None:
        """Put a file in its place, then in the database; old ones make room. A kill in between leaves a file alone."""
        assert isinstance(sink, _Taken)
        incoming = sink.incoming
        await asyncio.to_thread(incoming.keep)
        await self.store.commit(transfers.received, sink.grant, incoming.size, incoming.sha256)
        await self._make_room()

    async def refused(self, sink: Sink, reason: str) -> None:
        """Keep why a file was not taken: the CPE tells only that it failed."""
        assert isinstance(sink, _Taken)
        await self.store.commit(transfer_grants.refuse, sink.grant, reason)

    async def _recover(self) -> None:
        """Remove what is too old, and what an earlier run left in part."""
        await self._make_room()
        known = await self.store.read(transfer_reading.upload_files)
        swept = await asyncio.to_thread(files.sweep, self.settings.uploads, known)
        if swept:
            log.info("acs_files_swept", files=swept)

    async def _make_room(self) -> None:
        settings = self.settings
        dropped = await self.store.commit(transfers.uploads_to_drop, settings.days, settings.total_bytes)
        await asyncio.to_thread(files.drop, settings.uploads, dropped)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A file that comes, with what lets it."""

    incoming: Incoming
    grant: transfer_grants.Grant

    @property
    def limit(self) -> int:
        return self.incoming.limit

    def write(self, data: bytes) -> None:
        self.incoming.write(data)

    def close(self) -> None:
        self.incoming.close()
