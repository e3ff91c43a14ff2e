"""Clients of the intake that DHCP servers start, a process for each event: ``ztpd hook kea``, ``ztpd hook dnsmasq``.

What belongs here: what one server's event and its environment say (``kea``, ``dnsmasq``: pure), and handing it over
within a time limit (``client``). What does not: the circuit-id patterns and whom to trust, which are the core's
(``ztpd.discovery.placing``), and any import that makes a process start slowly: no pydantic, no asyncio, no typer.
"""
