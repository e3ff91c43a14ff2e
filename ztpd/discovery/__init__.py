"""Sources: what the network says of its devices, turned into sightings.

What belongs here: hearing (sockets, captures, recorded files), decoding by hand, and the rules by which one
source's words become a ``Sighting``. What does not: deciding what a sighting means (``ztpd.domain``) and keeping
it (``ztpd.store``); a source is handed a callable for what it heard. Each source is one shell around pure modules:
the frames (``dhcp_frame``, ``dhcp6_frame``), ``circuit_id``, ``claims``, ``dhcp``, ``dhcp6``, ``mqtt_announcement``,
``syslog``, ``line_patterns`` and ``snmp_header`` know neither clock nor socket; ``capture``, ``replay``, ``intake``,
``mqtt``, ``syslog_server`` and ``traps`` bring them bytes.
"""
