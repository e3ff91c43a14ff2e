"""NETCONF driver for OLTs that speak BBF TR-385, issue 1 (2019) or 3 (2024), with the TR-383 forwarding modules.

``names``, ``xml``, ``dialects``, ``configuration``, ``plant``, ``inventory``, ``allocation``, ``payloads``,
``changes``, ``filters``, ``reading``, ``presence`` and ``optics`` are pure; ``transaction`` is the dialogue of one
write over a session of ``drivers.netconf``; ``driver`` puts them behind ``drivers.base.Driver``.
"""

from drivers.netconf_bbf.driver import NetconfBbfDriver
from drivers.netconf_bbf.settings import NetconfBbfSettings

__all__ = ["NetconfBbfDriver", "NetconfBbfSettings"]
