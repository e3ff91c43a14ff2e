"""NETCONF reader for access switches with the OpenConfig models: which ports there are, and who is plugged in.

``neighbours`` is pure; ``reader`` puts it behind ``drivers.base.ListsNeighbours`` over a session of
``drivers.netconf``. Nothing is configured.
"""

from drivers.netconf.settings import NetconfSettings
from drivers.netconf_openconfig.reader import NetconfOpenconfigReader

__all__ = ["NetconfOpenconfigReader", "NetconfSettings"]
