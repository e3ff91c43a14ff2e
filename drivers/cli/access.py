"""Between the words of all drivers and the facts of one platform: what is wanted, and what was read."""

import re

from drivers.access import ObservedAccess, WantedAccess
from drivers.cli.facts import Values, wanted
from drivers.cli.platform import Platform
from pon.onu import Presence

_KBPS = 1000
_VLANS = range(1, 4095)
_MARKED = "description"


class NotRepresentable(ValueError):
    """What is wanted has no form on this platform; the message says which property and why."""


def facts_of(platform: Platform, settings: Values, access: WantedAccess) -> Values:
    """What is wanted as facts, without the numbers that are to be chosen; raises ``NotRepresentable``."""
    values = {
        **settings,
        "service": access.service,
        "description": platform.mark.replace("{service}", access.service),
        "port": access.port,
        "serial": access.device,
        "s_vlan": str(_vlan("s_vlan", access.s_vlan)),
        "priority": str(access.priority),
        "up_kbps": _kbps("upstream_bps", access.upstream_bps),
        "down_kbps": _kbps("downstream_bps", access.downstream_bps),
        "admin": platform.admin.enabled if access.enabled else platform.admin.disabled,
        "enabled" if access.enabled else "disabled": "yes",
    }
    if access.c_vlan is not None:
        values["c_vlan"] = str(_vlan("c_vlan", access.c_vlan))
    for fact, name in (("assured_kbps", "assured_upstream_bps"), ("fixed_kbps", "fixed_upstream_bps")):
        bps = getattr(access, name)
        if bps and name not in platform.unmodelled:
            values[fact] = _kbps(name, bps)
    if access.priority not in range(8):
        raise NotRepresentable(f"priority {access.priority} is not one of 0 to 7")
    for fact in ("service", "description", "port", "serial_hex"):
        pattern, value = platform.fields.get(fact), wanted(platform, values).get(fact)
        if pattern is not None and value is not None and not (value.isascii() and pattern.fullmatch(value)):
            raise NotRepresentable(f"{fact} {value[:80]!r} has characters that this platform does not take")
    return wanted(platform, values)


def service_of(platform: Platform, values: Values) -> str | None:
    """The service whose mark an ONU bears, or None for one that ztpd did not make."""
    head, _, tail = platform.mark.partition("{service}")
    match = re.fullmatch(f"{re.escape(head)}(.+){re.escape(tail)}", values.get("description", ""))
    return None if match is None else match[1]


def is_foreign(platform: Platform, values: Values) -> bool:
    """Whether another than ztpd has configured an ONU.

    One that is registered and nothing else was left by a session that broke between registering and naming it.
    """
    bare = platform.bare_without
    left = bool(bare) and not any(fact in values for fact in bare)
    return not left and service_of(platform, values) is None


def observed(platform: Platform, values: Values, presence: Presence) -> ObservedAccess | None:
    """What was read of one ONU; None without a serial.

    Which service is another's ONU's cannot be told: our mark alone says so, and he need not have one at that place.
    """
    if "serial" not in values:
        return None
    foreign = is_foreign(platform, values)
    return ObservedAccess(
        device=values["serial"],
        port=values.get("port") or None,
        service=service_of(platform, values),
        s_vlan=_number(values.get("s_vlan")),
        c_vlan=_number(values.get("c_vlan")),
        downstream_bps=_bps(platform, values, "down_kbps"),
        upstream_bps=_bps(platform, values, "up_kbps"),
        assured_upstream_bps=_part_bps(platform, values, "assured_kbps", "assured_upstream_bps"),
        fixed_upstream_bps=_part_bps(platform, values, "fixed_kbps", "fixed_upstream_bps"),
        priority=_number(values.get("priority")),
        enabled=values.get("admin") != platform.admin.disabled,
        onu_id=_number(values.get("onu_id")),
        presence=presence,
        complete=all(each.there in values for each in platform.objects if not (foreign and each.there == _MARKED)),
        unmodelled=platform.unmodelled | ({"service"} if foreign else frozenset()),
    )


def presence_of(platform: Platform, values: Values) -> Presence:
    """Where an ONU stands on the port that it is configured on."""
    state = values.get("state")
    return Presence.ABSENT if state is None else platform.states.get(state, Presence.IN_ERROR)


def _bps(platform: Platform, values: Values, fact: str) -> int | None:
    rate = platform.rates.get(fact)
    if rate is None:
        kbps = _number(values.get(fact))
        return None if kbps is None else kbps * _KBPS
    measured = _number(values.get(rate.measured))
    if measured is None:
        return None
    match = rate.meant.search(values.get(rate.name, ""))
    if match is not None and _rounded_up(int(match["kbps"]), platform.rate_step_kbps) == measured:
        return int(match["kbps"]) * _KBPS
    whole = measured // _KBPS * _KBPS  # what is sold is whole Mbit/s, of which another's table shows the rounding
    return (whole if _rounded_up(whole, platform.rate_step_kbps) == measured else measured) * _KBPS


def _part_bps(platform: Platform, values: Values, fact: str, name: str) -> int | None:
    """A part of the upstream rate: nought where the platform has a word for it and says none."""
    bps = _bps(platform, values, fact)
    return 0 if bps is None and name not in platform.unmodelled else bps


def _rounded_up(kbps: int, step: int) -> int:
    return -(-kbps // step) * step


def _kbps(name: str, bps: int) -> str:
    if bps <= 0 or bps % _KBPS:
        raise NotRepresentable(f"{name} {bps} is not a whole number of kbit/s above nought")
    return str(bps // _KBPS)


def _vlan(name: str, vlan: int) -> int:
    if vlan not in _VLANS:
        raise NotRepresentable(f"{name} {vlan} is not one of 1 to 4094")
    return vlan


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
