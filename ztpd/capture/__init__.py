"""``ztpd capture``: a process of its own that hears DHCP, the only one that needs CAP_NET_RAW.

``start`` reads the configuration, for which it needs what the daemon needs, and hands a plan over to a fresh
interpreter in its place, ``process``, which imports no more than hearing takes: its memory is counted.
"""
