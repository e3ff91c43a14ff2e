"""NETCONF driver for OLTs that speak BBF TR-385 issue 3 (2024-04-23) with the TR-383 forwarding modules.

``names``, ``xml``, ``configuration``, ``plant``, ``allocation``, ``payloads``, ``conflicts``, ``filters``,
``reading``, ``presence`` and ``optics`` are pure; ``connection`` and ``session`` own sockets and threads;
``transaction`` is the dialogue of one write; ``driver`` puts them behind ``drivers.base.Driver``.
"""

from drivers.netconf_bbf.driver import NetconfBbfDriver
from drivers.netconf_bbf.settings import NetconfBbfSettings

__all__ = ["NetconfBbfDriver", "NetconfBbfSettings"]
