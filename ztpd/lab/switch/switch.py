"""The switch itself: its configuration, what is plugged into it, and what it tells; no sockets and no clock."""

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from lxml import etree

from ztpd.lab.netconf import edit
from ztpd.lab.netconf.datastores import Datastores
from ztpd.lab.netconf.faults import Faults
from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.switch.settings import Writable
from ztpd.lab.switch.trees import prune
from ztpd.lab.switch.wiring import Plugged, Wiring

Element = etree._Element

_WRITES = ("edit-config", "commit", "copy-config")
_DATASTORES = {"candidate": ("running", "candidate"), "running": ("running", "startup")}


class SwitchModels(Protocol):
    """A family of modules: what a switch with them is configured with, what it refuses, and what it tells."""

    capabilities: tuple[str, ...]
    top_level: frozenset[str]

    def factory(self, ports: tuple[str, ...]) -> Element:
        """The configuration as it comes."""
        ...

    def validate(self, tree: Element, ports: tuple[str, ...]) -> None:
        """Raise ``RpcError`` for the first thing in a configuration that is wrong."""
        ...

    def ports_in(self, config: Element) -> frozenset[str]:
        """The ports that an edit is about."""
        ...

    def open_ports(self, running: Element) -> frozenset[str]:
        """The ports that are not shut."""
        ...

    def data(self, running: Element, links: Mapping[str, int], devices: tuple[Plugged, ...]) -> list[Element]:
        """What ``<get>`` reads: the configuration with the state of the links (bit/s), and the neighbours."""
        ...

    def check_device(self, device: Plugged) -> None:
        """Raise ``ValueError`` for what no XML can hold."""
        ...


class Switch:
    """A switch with ports ``Ethernet1`` to ``EthernetN`` and nothing configured."""

    def __init__(self, ports: int, models: SwitchModels, writable: Writable = "candidate") -> None:
        self.ports = tuple(f"Ethernet{number}" for number in range(1, ports + 1))
        self.faults = Faults()
        self.rpcs: Counter[str] = Counter()
        self.writable: str = writable
        self.wiring = Wiring(self.ports)
        self._models = models
        self.datastores = Datastores(
            models.factory(self.ports), lambda: None, self._edited, self._validate, names=_DATASTORES[writable]
        )

    @property
    def plugged(self) -> tuple[Plugged, ...]:
        """Who is plugged in, in the order they came."""
        return self.wiring.plugged

    @property
    def writes(self) -> int:
        """How many RPCs changed or tried to change the configuration."""
        return sum(self.rpcs[name] for name in _WRITES)

    @property
    def links(self) -> dict[str, int]:
        """The ports whose link is up, with their speed in bit/s."""
        opened = self._models.open_ports(self.datastores.running)
        return {port: bps for port, bps in self.wiring.speeds.items() if port in opened}

    def plug(self, device: Plugged) -> None:
        """Plug a device in; raises ``NoSuchPort``, and ``ValueError`` for what no XML can hold."""
        self._models.check_device(device)
        self.wiring.plug(device)

    def clear_faults(self) -> None:
        """Let nothing more go wrong."""
        self.faults = Faults()

    def reset(self) -> None:
        """As it comes: nobody plugged in, nothing configured, no faults, counters at zero."""
        self.wiring.clear()
        self.clear_faults()
        self.rpcs.clear()
        self.datastores.replace_running(self._models.factory(self.ports))

    def restart(self) -> None:
        """Run what the switch starts with."""
        self.datastores.restart()

    def data(self) -> list[Element]:
        """The top-level elements of configuration and state, as ``<get>`` reads them; not to be changed."""
        links = self.links
        devices = tuple(device for device in self.plugged if device.port in links)
        return self._models.data(self.datastores.running, links, devices)

    def check_edit(self, config: Element) -> None:
        """Refuse an edit of a port that is barred."""
        for port in sorted(self._models.ports_in(config) & self.faults.barred_serials):
            raise RpcError("operation-failed", f"no licence for port {port}")

    def _edited(self, tree: Element, config: Element, default_operation: str) -> Element:
        result = edit.edited(tree, config, default_operation, self._models.top_level)
        prune(result)
        return result

    def _validate(self, tree: Element) -> None:
        self._models.validate(tree, self.ports)
