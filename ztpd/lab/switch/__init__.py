"""A simulated access switch: a real NETCONF server that tells its ports and LLDP neighbours as OpenConfig does.

``switch`` is pure; ``control`` is the HTTP API by which neighbours are plugged in and faults are set, ``lab`` the
whole. What every lab element has is in ``ztpd.lab.netconf``.
"""

from ztpd.lab.switch.lab import LabSwitch, LabSwitchPorts, LabSwitchSettings, lab_switch, run

__all__ = ["LabSwitch", "LabSwitchPorts", "LabSwitchSettings", "lab_switch", "run"]
