"""The wire to an element that has nothing but telnet (RFC 854): for those that ask for it in their settings."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from drivers.cli.settings import CliSettings
from drivers.cli.wire import ConnectFailed, Reason, Wire, in_words

if TYPE_CHECKING:
    from telnetlib3 import TelnetReader, TelnetWriter

_WIDTH, _HEIGHT = 511, 512


async def connect(settings: CliSettings) -> Wire:
    """Connect and settle the options; raises ``ConnectFailed``."""
    import telnetlib3  # its import costs what only sites with telnet need

    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            reader, writer = await telnetlib3.open_connection(
                settings.host,
                settings.port or 23,
                encoding=False,
                term="vt100",
                cols=_WIDTH,
                rows=_HEIGHT,
                connect_maxwait=0.0,
                compression=False,
                send_environ=(),
            )
    except (OSError, TimeoutError) as error:
        said = f"{settings.host} port {settings.port or 23}: {in_words(error)}"
        raise ConnectFailed(Reason.UNREACHABLE, said) from error
    assert isinstance(reader, telnetlib3.TelnetReader)
    assert isinstance(writer, telnetlib3.TelnetWriter)
    return _TelnetWire(reader, writer)


class _TelnetWire:
    """``wire.Wire`` over telnet."""

    typed_login = True

    def __init__(self, reader: "TelnetReader", writer: "TelnetWriter") -> None:
        self._reader = reader
        self._writer = writer
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def read(self) -> bytes:
        try:
            return bytes(await self._reader.read(65536))
        except (OSError, EOFError):
            return b""

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._writer.write(data)

    def abort(self) -> None:
        self._transport.abort()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                await self._writer.wait_closed()
        self._transport.abort()
