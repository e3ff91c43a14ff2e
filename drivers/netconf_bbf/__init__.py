"""NETCONF driver for OLTs that speak BBF TR-385, issue 1 (2019) or 3 (2024), with the TR-383 forwarding modules.

``driver`` puts it behind ``drivers.base.Driver``; ``reader`` and ``writer`` are the dialogue of reading and writing
many ONUs at once, over a session of ``drivers.netconf``. All others are pure.
"""

from drivers.netconf_bbf.driver import NetconfBbfDriver
from drivers.netconf_bbf.settings import NetconfBbfSettings

__all__ = ["NetconfBbfDriver", "NetconfBbfSettings"]
