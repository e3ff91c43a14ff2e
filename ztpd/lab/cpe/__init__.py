"""A lab CPE: a router that speaks CWMP over HTTP as a device does, with the tree of a TR-181 or TR-098 model.

A peer on a socket: it writes and reads its own XML and shares no code with the ACS it talks to. It does what
TR-069 Amendment 6 asks of a CPE (sessions §3.7, methods A.3 and A.4, faults A.5, retries §3.2.1.1, connection requests
§3.2.2 and Annex G), and on request what devices do wrong (``quirks``). ``model``, ``tree``, ``soap``, ``stun``,
``requests``, ``windows``, ``subscriptions``, ``state`` and ``rpc`` know no socket; ``device`` is the HTTP client and
what it does between sessions (``errands``), ``reaching`` what hears connection requests, ``binding`` the STUN client,
``fleet`` thousands of them.
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
