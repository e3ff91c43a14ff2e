"""NETCONF driver for access switches, by the OpenConfig models or those of the IETF and the IEEE.

``names``, ``xml``, ``port``, ``openconfig``, ``openconfig_qos``, ``bridge``, ``ietf``, ``ietf_edits``, ``ieee_lldp``,
``families`` and ``ownership`` are pure; ``driver`` puts them behind ``drivers.base.Driver`` and ``ListsNeighbours``
over a session of ``drivers.netconf``.
"""

from drivers.netconf_switch.driver import NetconfSwitchDriver
from drivers.netconf_switch.settings import NetconfSwitchSettings

__all__ = ["NetconfSwitchDriver", "NetconfSwitchSettings"]
