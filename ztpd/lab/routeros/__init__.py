"""A lab RouterOS 7 router: the part of its REST API that subscribers are configured by, over real HTTPS.

What it answers follows MikroTik's page "REST API"; the menus and their properties follow the pages "Queues", "DHCP",
"PPP AAA", "PPPoE" and "Wireless Interface" of help.mikrotik.com, space ROS. The texts of refusals are like the
router's own where they are public and are not relied on.
"""

from ztpd.lab.routeros.lab import LabRouter, LabRouterSettings, lab_router, run

__all__ = ["LabRouter", "LabRouterSettings", "lab_router", "run"]
