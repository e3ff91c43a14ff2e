"""How to talk to elements: one protocol (``drivers.base``), one contract test, platforms as data.

What belongs here: sessions, payloads and dialogues with OLTs, switches, routers, controllers of radios and the edge
server's own kernel. What does not: jobs, profiles and the store; a driver is handed plain values and callables and
never imports ``ztpd``.
"""
