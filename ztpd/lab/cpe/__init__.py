"""A lab CPE: a router that speaks CWMP over HTTP as a device does, with a small TR-181 or TR-098 tree.

A peer on a socket: it writes and reads its own XML and shares no code with the ACS it talks to. It does what
TR-069 Amendment 6 asks of a CPE (sessions §3.7, faults A.5, retries §3.2.1.1), and on request what devices do wrong.
``tree`` and ``soap`` are pure; ``device`` is the HTTP client.
"""

from ztpd.lab.cpe.device import (
    BOOT,
    BOOTSTRAP,
    PERIODIC,
    CookieStyle,
    CpeSettings,
    LabCpe,
    Misbehaviour,
    Root,
    SessionFailed,
    retry_interval,
    run,
)

__all__ = [
    "BOOT",
    "BOOTSTRAP",
    "PERIODIC",
    "CookieStyle",
    "CpeSettings",
    "LabCpe",
    "Misbehaviour",
    "Root",
    "SessionFailed",
    "retry_interval",
    "run",
]
