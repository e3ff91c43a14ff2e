"""The switch's NETCONF server, and the lock that somebody else holds."""

import asyncio
from collections.abc import Callable

from ztpd.lab.netconf.editing import CandidateOperations, RunningOperations
from ztpd.lab.netconf.operations import BASE_10, BASE_11
from ztpd.lab.netconf.server import NetconfServer
from ztpd.lab.switch.ieee import IeeeModels
from ztpd.lab.switch.openconfig import OpenConfigModels
from ztpd.lab.switch.settings import LabSwitchSettings
from ztpd.lab.switch.switch import Switch, SwitchModels

_CAPABILITY = "urn:ietf:params:netconf:capability:"
_CANDIDATE = tuple(
    f"{_CAPABILITY}{name}"
    for name in ("candidate:1.0", "confirmed-commit:1.1", "validate:1.1", "rollback-on-error:1.0")
)


class SwitchServer(NetconfServer):
    """Sessions of one switch, which may be changed at any time."""

    def __init__(self, settings: LabSwitchSettings) -> None:
        models = _models(settings)
        self.switch = Switch(settings.ports, models, settings.writable)
        self._lock_holder: int | None = None
        offered = (BASE_10, BASE_11, *_writing(settings), *models.capabilities)
        operations = CandidateOperations if settings.writable == "candidate" else RunningOperations
        super().__init__(settings, self.switch, operations(self.switch, _schedule), lambda: offered)

    def hold_lock(self) -> None:
        """Lock what is written to for a session that nobody is in; raises ``RpcError`` when it is locked."""
        holder = self.next_session()
        self.switch.datastores.lock(self.switch.writable, holder)
        self._lock_holder = holder

    def release_lock(self) -> None:
        """Release what ``hold_lock`` took, if it did."""
        if self._lock_holder is not None:
            self.switch.datastores.end_session(self._lock_holder)
            self._lock_holder = None

    def restart(self) -> None:
        """Cut every connection and run what the switch starts with."""
        self.end_sessions()
        self.switch.restart()


def _models(settings: LabSwitchSettings) -> SwitchModels:
    if settings.models == "openconfig":
        return OpenConfigModels(lldp=settings.lldp, qos=settings.qos)
    return IeeeModels(lldp=settings.lldp, provider=settings.models == "provider")


def _writing(settings: LabSwitchSettings) -> tuple[str, ...]:
    if settings.writable == "candidate":
        return _CANDIDATE
    rollback = (f"{_CAPABILITY}rollback-on-error:1.0",) if settings.rollback else ()
    return (f"{_CAPABILITY}writable-running:1.0", f"{_CAPABILITY}startup:1.0", *rollback)


def _schedule(seconds: float, call: Callable[[], None]) -> Callable[[], None]:
    return asyncio.get_running_loop().call_later(seconds, call).cancel
