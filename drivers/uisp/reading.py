"""From what UISP has for a device to the service as it is, and who is there."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from drivers.access import ObservedAccess, PresentDevice
from drivers.uisp.tables import Device, Gateway, Site, Station
from pon.onu import Presence

UNMODELLED = frozenset(
    {"s_vlan", "c_vlan", "priority", "assured_upstream_bps", "fixed_upstream_bps", "address", "ppp_user"}
)
"""What a client site has no word for."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """The client sites of one device, ours first as they are listed, and the device itself where UISP knows it.

    ``foreign`` names the site of another's making that the device is assigned to, unless it was adopted.
    """

    mac: str
    device: Device | None
    sites: tuple[Site, ...]
    foreign: str | None = None


class Register:
    """What UISP holds, by device and by access point."""

    def __init__(
        self,
        devices: Sequence[Device],
        sites: Sequence[Site],
        gateways: Sequence[Gateway] = (),
        adopted: Collection[str] = (),
    ) -> None:
        self.gateways = gateways
        self._devices = {device.mac: device for device in devices}
        self._by_id = {device.id: device for device in devices}
        self._sites = {site.id: site for site in sites}
        self._adopted = adopted
        self._marked: dict[str, tuple[Site, ...]] = {}
        self._serving: dict[str, tuple[Site, ...]] = {}
        for site in sites:
            if site.mark is not None:
                self._marked[site.mark.device] = (*self._marked.get(site.mark.device, ()), site)
                self._serving[site.mark.service] = (*self._serving.get(site.mark.service, ()), site)
        named: dict[str, list[Device]] = {}
        for device in devices:
            if device.lists_stations:
                named.setdefault(device.name, []).append(device)
        # A name that two access points have says nothing about where a subscriber is.
        self._ports = {name: found[0] for name, found in named.items() if len(found) == 1}

    @property
    def ports(self) -> dict[str, Device]:
        """The access points by name."""
        return self._ports

    def port_of(self, device_id: str | None) -> str | None:
        """The name of an access point, or None when there is none by that id."""
        found = None if device_id is None else self._by_id.get(device_id)
        return found.name if found is not None and self._ports.get(found.name) is found else None

    def mac_of(self, station: Station) -> str | None:
        """How a station is called: by its device's own address, not that of its radio."""
        device = None if station.device_id is None else self._by_id.get(station.device_id)
        return station.mac if device is None else device.mac

    def macs(self) -> list[str]:
        """Every device that a client site is for."""
        return sorted(
            {*self._marked} | {mac for mac, each in self._devices.items() if self._client_site(each) is not None}
        )

    def sites_of(self, service: str) -> tuple[Site, ...]:
        """The sites that are marked as a service's."""
        return self._serving.get(service, ())

    def of(self, mac: str) -> Holdings:
        """What there is for one device."""
        device = self._devices.get(mac)
        own = self._marked.get(mac, ())
        assigned = None if device is None else self._client_site(device)
        if assigned is None or assigned in own:
            # Of two that a cut left behind, the one that the device is in stays.
            return Holdings(mac, device, tuple(sorted(own, key=lambda site: site is not assigned)))
        if mac in self._adopted and assigned.mark is None:
            return Holdings(mac, device, (assigned, *own))
        return Holdings(mac, device, (*own, assigned), f"site {assigned.name!r} ({assigned.id})")

    def _client_site(self, device: Device) -> Site | None:
        """The client site that a device of a subscriber is assigned to."""
        return None if device.site is None or device.lists_stations else self._sites.get(device.site)


@dataclass(frozen=True, slots=True)
class Air:
    """Who is connected where, and how loud: the access point's name and the signal in dBm, by device."""

    heard: dict[str, tuple[str, float | None]] = field(default_factory=dict)

    def add(self, register: Register, access_point: str, stations: Sequence[Station]) -> None:
        """Take note of an access point's stations."""
        for station in stations:
            mac = register.mac_of(station)
            if station.connected and mac is not None:
                self.heard[mac] = (access_point, station.signal_dbm)

    def presence(self, mac: str, port: str | None) -> Presence:
        """Where a configured device stands."""
        if mac not in self.heard:
            return Presence.ABSENT
        return Presence.INTENDED if port is None or self.heard[mac][0] == port else Presence.MISPLACED

    def present(self, register: Register) -> Iterator[PresentDevice]:
        """Everybody who is connected; a device without a client site is unknown."""
        configured = set(register.macs())
        for mac, (access_point, _) in sorted(self.heard.items()):
            port = port_of(register, register.of(mac)) if mac in configured else None
            presence = self.presence(mac, port) if mac in configured else Presence.UNKNOWN
            yield PresentDevice(access_point, mac, presence, raw_state="connected")


def port_of(register: Register, held: Holdings) -> str | None:
    """The access point that the device is configured for: by the mark, else the one it was last on."""
    if held.sites and held.sites[0].mark is not None:
        return register.port_of(held.sites[0].mark.place)
    return None if held.device is None else register.port_of(held.device.access_point)


def observed(register: Register, held: Holdings, air: Air) -> ObservedAccess | None:
    """The service of one device as it is configured, or None when no client site is for it.

    Of what another configured, it cannot be told which service it is, nor by which access point before it was on one.
    """
    if not held.sites:
        return None
    site, port = held.sites[0], port_of(register, held)
    unknown = {"service": site.mark, "port": site.mark or port}
    return ObservedAccess(
        device=held.mac,
        port=port,
        service=None if site.mark is None else site.mark.service,
        s_vlan=None,
        c_vlan=None,
        downstream_bps=site.downstream_bps,
        upstream_bps=site.upstream_bps,
        enabled=not site.suspended,
        presence=air.presence(held.mac, port),
        complete=_is_complete(register, held, port),
        unmodelled=UNMODELLED | {name for name, told in unknown.items() if told is None},
    )


def _is_complete(register: Register, held: Holdings, port: str | None) -> bool:
    """Whether there is one site, below that of its access point, and the radio is assigned to it and let in."""
    site, device = held.sites[0], held.device
    if len(held.sites) != 1 or device is None or (port is None and site.mark is not None):
        return False
    above = [each.site for name, each in register.ports.items() if port in (None, name)]
    placed = site.parent is not None and site.parent in above
    named = site.mark is None or site.name == site.mark.service
    return placed and named and device.authorized and device.site == site.id
