"""What has an element's list read out of turn: its syslog and its traps, as the configuration wants them heard."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial

from ztpd import parts
from ztpd.config import Configuration
from ztpd.discovery.datagrams import bound
from ztpd.discovery.hints import Hints, Senders
from ztpd.discovery.syslog_server import SyslogServer
from ztpd.discovery.traps import receive_traps
from ztpd.listening import bind
from ztpd.services import Service


@asynccontextmanager
async def nudging(
    configuration: Configuration, nudge: Callable[[str], None], report: Callable[[str, str], None]
) -> AsyncIterator[list[Service]]:
    """The services that hear hints, their sockets bound; raises ``CannotListen``.

    ``nudge`` is given the element, ``report`` the kind of hint and its outcome.
    """
    senders = Senders(parts.hint_senders(configuration))
    with ExitStack() as sockets:
        services = [
            *await _syslog(configuration, Hints("syslog", senders, nudge, report), sockets),
            *await _traps(configuration, Hints("snmp", senders, nudge, report), sockets),
        ]
        if services:
            services.append(Service("hint senders", senders.follow))
        yield services


async def _syslog(configuration: Configuration, hints: Hints, sockets: ExitStack) -> list[Service]:
    section, patterns = configuration.settings.discovery.syslog, parts.syslog_patterns(configuration)
    if section is None or patterns is None:
        return []
    found: list[socket.socket | None] = []
    for key, kind in (("udp_port", socket.SOCK_DGRAM), ("tcp_port", socket.SOCK_STREAM)):
        port: int | None = getattr(section, key)
        if port is None:
            found.append(None)
            continue
        binding = bound(kind, section.host, port)
        found.append(sockets.enter_context(await bind("discovery.syslog", section.host, port, binding, key)))
    return [Service("syslog", partial(SyslogServer(patterns, hints).run, *found))]


async def _traps(configuration: Configuration, hints: Hints, sockets: ExitStack) -> list[Service]:
    section, settings = configuration.settings.discovery.snmp, parts.traps(configuration)
    if section is None or settings is None:
        return []
    binding = bound(socket.SOCK_DGRAM, section.host, section.port)
    sock = sockets.enter_context(await bind("discovery.snmp", section.host, section.port, binding))
    return [Service("snmp traps", partial(receive_traps, sock, settings, hints))]
