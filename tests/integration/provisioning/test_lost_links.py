"""A link that is lost without a word: the element still holds the session, its lock and a commit to be confirmed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.integration.provisioning.network import Network, at_work, happens, until


class Link:
    """A TCP link to an element that does not tell it when the other end is gone."""

    def __init__(self, port: int) -> None:
        self._element_port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._to_element: list[asyncio.StreamWriter] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_element, to_element = await asyncio.open_connection("127.0.0.1", self._element_port)
        self._to_element.append(to_element)
        self._writers += [to_element, writer]
        for source, sink in ((reader, to_element), (from_element, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)

    def end(self) -> None:
        """The element notices."""
        for writer in self._to_element:
            writer.transport.abort()
        self._to_element.clear()

    async def close(self) -> None:
        self.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


@asynccontextmanager
async def link_to(port: int) -> AsyncIterator[tuple[Link, int]]:
    link = Link(port)
    server = await asyncio.start_server(link.carry, "127.0.0.1", 0)
    async with server:
        yield link, server.sockets[0].getsockname()[1]
        await link.close()


async def test_a_commit_that_was_not_confirmed_when_the_link_was_lost_is_not_taken_for_granted(net: Network) -> None:
    olt = await net.olt()
    olt.plug()
    async with link_to(olt.settings.netconf_port) as (link, port):
        driver = await net.driver(olt, commit_timeout_s=0.3, port=port)
        # Planned by two RPCs; then lock, discard-changes, get-config, edit-config, validate, commit, commit.
        olt.lab.olt.faults.hang_after = 8
        await net.due(1)
        async with at_work(net.provisioner(driver).run):
            await happens(lambda: olt.rpcs["commit"] == 2, "the commit that confirms is under way")
            olt.lab.olt.clear_faults()
            await until(lambda: net.put_off("element-busy"), bool, "the lost session still holds the lock")
            assert await net.events("job.network-confirmed") == []
            link.end()
            await net.confirmed(1)
        assert olt.lab.olt.configured_onus == 1
        await driver.close()
    assert await net.confirmed_once()
