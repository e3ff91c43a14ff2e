"""A lab CPE: a router that speaks CWMP over HTTP as a device does, with the tree of a TR-181 or TR-098 model.

A peer on a socket: it writes and reads its own XML and shares no code with the ACS it talks to. It does what
TR-069 Amendment 6 asks of a CPE (sessions §3.7, methods A.3 and A.4, faults A.5, retries §3.2.1.1), and on request
what devices do wrong. ``model``, ``tree``, ``soap``, ``stun``, ``requests``, ``state`` and ``rpc`` are without sockets;
``device`` is the HTTP client, ``reaching`` what hears connection requests, ``binding`` the STUN client.
"""

from ztpd.lab.cpe.conversation import SessionFailed
from ztpd.lab.cpe.device import LabCpe, retry_interval, run
from ztpd.lab.cpe.reaching import ConnectionRequestServer
from ztpd.lab.cpe.settings import CookieStyle, CpeSettings, Misbehaviour, Reach, Root
from ztpd.lab.cpe.state import BOOT, BOOTSTRAP, PERIODIC

__all__ = [
    "BOOT",
    "BOOTSTRAP",
    "PERIODIC",
    "ConnectionRequestServer",
    "CookieStyle",
    "CpeSettings",
    "LabCpe",
    "Misbehaviour",
    "Reach",
    "Root",
    "SessionFailed",
    "retry_interval",
    "run",
]
