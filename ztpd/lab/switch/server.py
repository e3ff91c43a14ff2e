"""The switch's NETCONF server, and what it offers."""

from lxml import etree

from ztpd.lab.netconf.edit_server import EditServer, schedule
from ztpd.lab.netconf.editing import CandidateOperations, RunningOperations
from ztpd.lab.netconf.operations import BASE_10, BASE_11
from ztpd.lab.switch.ieee import IeeeModels
from ztpd.lab.switch.openconfig import OpenConfigModels
from ztpd.lab.switch.settings import LabSwitchSettings
from ztpd.lab.switch.switch import Switch, SwitchModels

_CAPABILITY = "urn:ietf:params:netconf:capability:"
_CANDIDATE = tuple(
    f"{_CAPABILITY}{name}"
    for name in ("candidate:1.0", "confirmed-commit:1.1", "validate:1.1", "rollback-on-error:1.0")
)


class SwitchServer(EditServer[etree._Element]):
    """Sessions of one switch, which may be changed at any time."""

    def __init__(self, settings: LabSwitchSettings) -> None:
        models = _models(settings)
        self.switch = Switch(settings.ports, models, settings.writable)
        offered = (BASE_10, BASE_11, *_writing(settings), *models.capabilities)
        operations = CandidateOperations if settings.writable == "candidate" else RunningOperations
        super().__init__(settings, self.switch, operations(self.switch, schedule), lambda: offered)

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
