"""A NETCONF client of a few lines on asyncssh, to talk to the lab OLT as any client may: rightly or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh
from lxml import etree

from ztpd.lab.netconf.framing import Deframer, frame
from ztpd.lab.netconf.operations import BASE_11
from ztpd.lab.olt import LabOlt

NETCONF = "urn:ietf:params:xml:ns:netconf:base:1.0"

ADD_GOLD = """<edit-config><target><candidate/></target><config>
  <xpongemtcont xmlns="urn:bbf:yang:bbf-xpongemtcont"><traffic-descriptor-profiles><traffic-descriptor-profile>
    <name>gold</name><maximum-bandwidth>1</maximum-bandwidth>
  </traffic-descriptor-profile></traffic-descriptor-profiles></xpongemtcont></config></edit-config>"""
"""An edit of the candidate whose effect is easily seen."""


class Client:
    """One session, past its hellos."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process
        self._deframer = Deframer()
        self._chunk_bytes: int | None = None
        self.hello: etree._Element | None = None

    async def greet(self, *, base_11: bool) -> None:
        self.hello = await self.receive()
        capability = BASE_11 if base_11 else "urn:ietf:params:netconf:base:1.0"
        self.send_raw(
            f'<hello xmlns="{NETCONF}"><capabilities><capability>{capability}</capability></capabilities></hello>'
        )
        if base_11:
            self._deframer.use_chunks()
            self._chunk_bytes = 10

    def send_raw(self, text: str) -> None:
        self._process.stdin.write(frame(text.encode(), chunk_bytes=self._chunk_bytes))

    async def rpc(self, operation: str, attributes: str = 'message-id="1"', timeout_s: float = 5.0) -> etree._Element:
        """The reply to ``<rpc>operation</rpc>``."""
        self.send_raw(f'<rpc xmlns="{NETCONF}" {attributes}>{operation}</rpc>')
        return await self.receive(timeout_s)

    async def receive(self, timeout_s: float = 5.0) -> etree._Element:
        async with asyncio.timeout(timeout_s):
            while (message := self._deframer.next_message()) is None:
                data = await self._process.stdout.read(65536)
                if not data:
                    raise EOFError
                self._deframer.feed(data)
        return etree.fromstring(message)


@asynccontextmanager
async def client(lab: LabOlt, *, base_11: bool = True) -> AsyncIterator[Client]:
    """A session with the lab OLT."""
    host_key = asyncssh.import_public_key(lab.host_public_key)
    async with asyncssh.connect(
        "127.0.0.1",
        lab.netconf_port,
        username="ztpd",
        password="ztpd",
        known_hosts=([host_key], [], []),
        client_keys=None,
        config=None,
    ) as connection:
        process = await connection.create_process(subsystem="netconf", encoding=None)
        made = Client(process)
        await made.greet(base_11=base_11)
        yield made
        process.close()


def tag_of_error(reply: etree._Element) -> str | None:
    """The error-tag in a reply, or None when there is none."""
    return reply.findtext(f"{{{NETCONF}}}rpc-error/{{{NETCONF}}}error-tag")


def is_ok(reply: etree._Element) -> bool:
    """Whether the reply says ok."""
    return reply.find(f"{{{NETCONF}}}ok") is not None
