"""A simulated access switch: a real NETCONF server that is configured, and tells its ports and LLDP neighbours.

It has the models of OpenConfig, or those of the IETF and the IEEE. ``settings``, ``wiring``, ``trees``, ``openconfig``,
``ieee`` and ``switch`` are pure; ``server`` is its NETCONF server, ``control`` the HTTP API by which things are plugged
in and faults are set, ``lab`` the whole. What every lab element has is in ``ztpd.lab.netconf``.
"""

from ztpd.lab.switch.lab import LabSwitch, lab_switch, run
from ztpd.lab.switch.settings import LabSwitchPorts, LabSwitchSettings

__all__ = ["LabSwitch", "LabSwitchPorts", "LabSwitchSettings", "lab_switch", "run"]
