"""What one CPE knows: its tree, what it has to tell the ACS and what it was asked to do after the session. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ztpd.lab.cpe.settings import CpeSettings
from ztpd.lab.cpe.soap import Attributes
from ztpd.lab.cpe.tree import Tree

BOOTSTRAP, BOOT, PERIODIC = "0 BOOTSTRAP", "1 BOOT", "2 PERIODIC"
SCHEDULED, VALUE_CHANGE, CONNECTION_REQUEST = "3 SCHEDULED", "4 VALUE CHANGE", "6 CONNECTION REQUEST"
TRANSFER_COMPLETE, DIAGNOSTICS_COMPLETE = "7 TRANSFER COMPLETE", "8 DIAGNOSTICS COMPLETE"
DU_STATE_CHANGE_COMPLETE = "11 DU STATE CHANGE COMPLETE"

TRANSFERS = frozenset({"Download", "ScheduleDownload", "Upload"})

_CONNECTION_REQUEST_URL = "ManagementServer.ConnectionRequestURL"  # TR-181: activeNotify="forceDefaultEnabled"
_ACTIVE = 2

Event = tuple[str, str]
"""An event code and its command key."""


@dataclass(slots=True, eq=False)
class Todo:
    """What the ACS asked for that is done after the session: the method, its arguments, and in how many seconds.

    ``under_way`` is a transfer that can no longer be cancelled.
    """

    method: str
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    structs: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    delay_seconds: float = 0.0
    under_way: bool = False

    @property
    def key(self) -> str:
        """The command key."""
        return self.arguments.get("CommandKey", "")


@dataclass(frozen=True, slots=True)
class Call:
    """A request of the CPE itself, such as TransferComplete: kept until the ACS has answered it."""

    method: str
    body: str = field(default="", repr=False)


class CpeState:
    """The memory of one CPE. A restart keeps all of it, a factory reset nothing but who it is.

    ``todo`` is what is not done yet, waiting or under way; ``calls`` and ``events`` what is not told yet; ``faults``
    counts requests that were refused, by code.
    """

    def __init__(self, settings: CpeSettings) -> None:
        self.settings = settings
        self.tree = Tree(settings.device_model, settings.parameters)
        self.attributes: dict[str, Attributes] = {}
        self.events: list[Event] = []
        self.calls: list[Call] = []
        self.todo: list[Todo] = []
        self.faults: Counter[int] = Counter()
        self.version = ""
        self.url = ""
        self._forget_settings()

    @property
    def root(self) -> str:
        """The root object's name, with its dot."""
        return self.tree.root

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Manufacturer, OUI, product class and serial number, as an Inform has them."""
        settings = self.settings
        return settings.manufacturer, settings.oui, settings.product_class, settings.serial

    def text(self, name: str) -> str:
        """A parameter's value by its name below the root; empty where there is none."""
        return self.tree.get(self.root + name)

    def put(self, name: str, text: str) -> None:
        """Give a parameter below the root a value, if this model has it."""
        self.tree.put(self.root + name, text)

    def listens_at(self, url: str) -> None:
        """It hears connection requests at this URL, which outlives a factory reset."""
        self.url = url
        self.put(_CONNECTION_REQUEST_URL, url)

    def tell(self, code: str, key: str = "") -> None:
        """Have the next Inform say this event, once."""
        if (code, key) not in self.events:
            self.events.append((code, key))

    def restarted(self, cause: str = "", key: str = "") -> None:
        """It was switched off and on: by itself, or because of a method such as ``Reboot``; tests are forgotten."""
        for path in self.tree:
            if path.endswith(".DiagnosticsState"):
                self.tree.give(path, "None")
        self.tell(BOOT)
        if cause:
            self.tell(f"M {cause}", key)

    def reset_to_factory(self) -> None:
        """Forget every setting and everything that was to be told or done."""
        self.attributes.clear()
        self.events.clear()
        self.calls.clear()
        self.todo.clear()
        self.tree.reset()
        self._forget_settings()
        self.tell(BOOTSTRAP)
        self.tell(BOOT)

    def upgrade(self, version: str) -> None:
        """Run this version of the software from the next boot on; it outlives a factory reset."""
        self.version = version
        self.put("DeviceInfo.SoftwareVersion", version)

    def device_sets(self, path: str, text: str) -> bool:
        """Something but the ACS changed a value, if this model has it.

        Who asked to be told is told with the next Inform; answers whether that must not wait (A.3.2.4).
        """
        if path not in self.tree or self.tree.text(path) == text:
            return False
        self.tree.give(path, text)
        notification = self.notification_of(path)
        if notification > 0:
            self.tell(VALUE_CHANGE)
        return notification == _ACTIVE

    def notification_of(self, path: str) -> int:
        """How a change of this parameter is told: 0 not, 1 with an Inform, 2 by one."""
        unset = _ACTIVE if path == self.root + _CONNECTION_REQUEST_URL else 0
        attributes = self.attributes.get(path)
        return unset if attributes is None or attributes.notification is None else attributes.notification

    def _forget_settings(self) -> None:
        settings = self.settings
        self.put("ManagementServer.URL", settings.acs_url)
        self.put("ManagementServer.Username", settings.username)
        self.put("ManagementServer.Password", settings.password)
        self.put("DeviceInfo.Manufacturer", settings.manufacturer)
        self.put("DeviceInfo.ManufacturerOUI", settings.oui)
        self.put("DeviceInfo.ProductClass", settings.product_class)
        self.put("DeviceInfo.SerialNumber", settings.serial)
        for name, text in settings.factory.items():
            self.put(name, text)
        if self.url:
            self.put(_CONNECTION_REQUEST_URL, self.url)
        if self.version:
            self.put("DeviceInfo.SoftwareVersion", self.version)
