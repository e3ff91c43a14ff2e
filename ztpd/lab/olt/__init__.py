"""A simulated OLT: a real NETCONF server over SSH that behaves like a TR-385 OLT with ONUs on its fibres.

``framing``, ``schema``, ``dialect``, ``edit``, ``subtree``, ``validation``, ``datastores``, ``plant``, ``fibre``,
``state_data``, ``faults``, ``olt`` and ``operations`` are pure; ``netconf_server`` is the SSH shell, ``control`` the
HTTP API by which ONUs are plugged in and faults are set, ``lab`` the whole.
"""

from ztpd.lab.olt.lab import LabOlt, lab_olt, run
from ztpd.lab.olt.settings import LabOltPorts, LabOltSettings

__all__ = ["LabOlt", "LabOltPorts", "LabOltSettings", "lab_olt", "run"]
