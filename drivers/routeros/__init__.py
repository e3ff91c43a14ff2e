"""REST driver for MikroTik RouterOS 7: access routers that give subscribers of radios their address and their rate.

Per subscriber a simple queue, and either a static DHCP lease (suspended by an entry in an address list) or a PPP
secret (suspended by disabling it). ``words``, ``tables``, ``holdings``, ``reading``, ``changes`` and ``presence`` are
pure; ``driver`` puts them behind ``drivers.base.Driver``. Sources: MikroTik's documentation at help.mikrotik.com,
pages "REST API", "Queues", "DHCP", "PPP AAA", "PPPoE", "Wireless Interface" and "WiFi" of the space ROS.
"""

from drivers.routeros.driver import RouterosDriver
from drivers.routeros.settings import RouterosSettings

__all__ = ["RouterosDriver", "RouterosSettings"]
