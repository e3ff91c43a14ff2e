"""Driver for the edge server's own kernel, or a network namespace of it, where subscribers end on its interfaces.

An element has ``access_interfaces``; a port is one of them with as many VLAN ids behind it as the place fixes:
``eth1`` leaves both VLANs to the service (one service on that cable), ``eth1.201`` fixes the S-VLAN, ``eth1.201.301``
both. What a port fixes must be what the service wants. One service is one sub-interface, made here:

- ``s_vlan`` and ``c_vlan``: QinQ, an outer link for the S-VLAN (802.1ad, or what ``s_vlan_protocol`` says) that its
  services share, and an 802.1Q link in it;
- ``s_vlan`` alone: one 802.1Q link;
- ``s_vlan`` 0: untagged, the access interface itself, which is then marked and shaped but neither made nor removed.

A link that was made here is in link group ``names.GROUP`` from its birth and bears the alias
``ztpd svc=SERVICE port=PORT``; everything that is read back is found by that. Downstream is an htb class on the link,
upstream an htb class on an ifb that its ingress is redirected to (tc-htb(8), ifb: tc-mirred(8)). ``address`` is a route
through the link with a protocol number of its own. Suspended links are in a set of the nftables table ``inet ztpd``,
whose chains let them reach the garden, DNS and DHCP of the edge server, and nothing else; without suspended links there
is no such table.

The kernel forgets at a restart, so what was made is also in a state file; on opening, what is missing is made again.
802.1p priorities, assured and fixed rates and PPP users have no word here (``reading.UNMODELLED``).

``names``, ``values``, ``changes``, ``reading``, ``firewall`` and ``ledger`` are pure; ``kernel`` is the seam to the
kernel, ``netlink`` the kernel itself, ``session`` the thread it is asked in, ``state_file`` the disk; ``driver`` puts
them behind ``drivers.base.Driver``. Needs CAP_NET_ADMIN, and CAP_SYS_ADMIN to enter a namespace.
"""

from drivers.linux_edge.driver import LinuxEdgeDriver
from drivers.linux_edge.settings import LinuxEdgeSettings

__all__ = ["LinuxEdgeDriver", "LinuxEdgeSettings"]
