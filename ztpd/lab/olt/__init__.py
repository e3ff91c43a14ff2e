"""A simulated OLT: a real NETCONF server over SSH that behaves like a TR-385 OLT with ONUs on its fibres.

``dialect``, ``edit``, ``validation``, ``datastores``, ``plant``, ``fibre``, ``state_data``, ``olt`` and ``operations``
are pure; ``server`` is its NETCONF server, ``control`` the HTTP API by which ONUs are plugged in and faults are set,
``lab`` the whole. What every lab element has is in ``ztpd.lab.netconf``.
"""

from ztpd.lab.olt.lab import LabOlt, lab_olt, run
from ztpd.lab.olt.settings import LabOltPorts, LabOltSettings

__all__ = ["LabOlt", "LabOltPorts", "LabOltSettings", "lab_olt", "run"]
