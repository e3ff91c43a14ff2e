"""The rates of ports in ``openconfig-qos``: a scheduler policy of ours per port and direction (see ``openconfig``)."""

from collections.abc import Iterator
from dataclasses import dataclass

from drivers.access import WantedAccess
from drivers.netconf_switch import names, xml
from drivers.netconf_switch.port import Change
from drivers.netconf_switch.xml import Element, element, integer_at, keyed, q, removed, text_at

_LEAST_BURST_BYTES = 100_000
_BURST_SHARE = 100  # of a second
_BITS = 8
_MOST_BURST_BYTES = 2**32 - 1


def _qos(tag: str) -> str:
    return q(xml.OC_QOS, tag)


def _node(tag: str, *content: Element | str) -> Element:
    return element(xml.OC_QOS, tag, *content)


_INTERFACE = "/".join(map(_qos, ("qos", "interfaces", "interface")))
_POLICY = "/".join(map(_qos, ("qos", "scheduler-policies", "scheduler-policy")))
_SCHEDULER = "/".join(map(_qos, ("schedulers", "scheduler")))
_CIR = "/".join(map(_qos, ("one-rate-two-color", "config", "cir")))
_APPLIED = "/".join(map(_qos, ("scheduler-policy", "config", "name")))


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one port in bit/s; ``applied`` is whether any scheduler policy is, one that tells no rate too."""

    downstream_bps: int | None = None
    upstream_bps: int | None = None
    applied: bool = False


def selection() -> Element:
    """What is selected of the configuration."""
    return _node("qos", _node("interfaces"), _node("scheduler-policies"))


def rates_of(configuration: Element) -> dict[str, Rates]:
    """The rates of each port by the policies that are applied to it; raises ``ValueError`` for no number."""
    policies = keyed(configuration, _POLICY, _qos("name"))
    found: dict[str, Rates] = {}
    for port, entry in keyed(configuration, _INTERFACE, _qos("interface-id")).items():
        up, down = (text_at(entry, _qos(direction), _APPLIED) for direction in ("input", "output"))
        found[port] = Rates(_rate(policies, down), _rate(policies, up), applied=(up or down) is not None)
    return found


def edits(change: Change, configuration: Element) -> list[Element]:
    """The ``<qos>`` of an edit-config that makes a change, or nothing where it has none."""
    interfaces = keyed(configuration, _INTERFACE, _qos("interface-id"))
    policies = keyed(configuration, _POLICY, _qos("name"))
    on_ports = [_serving(wanted) for wanted in change.serve]
    on_ports += [_freed(interfaces[port]) for port in change.free if port in interfaces]
    made = [policy for wanted in change.serve for policy in _policies(wanted)]
    made += [
        removed(xml.OC_QOS, "scheduler-policy", _node("name", name))
        for port in change.free
        for name in (names.upstream_policy(port), names.downstream_policy(port))
        if name in policies
    ]
    if not (on_ports or made):
        return []
    return [_node("qos", _node("interfaces", *on_ports), _node("scheduler-policies", *made))]


def _rate(policies: dict[str, Element], name: str | None) -> int | None:
    """The rate of a policy of one scheduler, or None for one that says something else."""
    policy = policies.get(name or "")
    schedulers = [] if policy is None else policy.findall(_SCHEDULER)
    return integer_at(schedulers[0], _CIR) if len(schedulers) == 1 else None


def _serving(wanted: WantedAccess) -> Element:
    port = wanted.port
    return _node(
        "interface",
        _node("interface-id", port),
        _node("config", _node("interface-id", port)),
        _node("interface-ref", _node("config", _node("interface", port))),
        *(
            _node(direction, _node("scheduler-policy", _node("config", _node("name", name))))
            for direction, name in (("input", names.upstream_policy(port)), ("output", names.downstream_policy(port)))
        ),
    )


def _policies(wanted: WantedAccess) -> Iterator[Element]:
    yield _policy(names.upstream_policy(wanted.port), wanted.upstream_bps, polices=True)
    yield _policy(names.downstream_policy(wanted.port), wanted.downstream_bps, polices=False)


def _policy(name: str, rate_bps: int, *, polices: bool) -> Element:
    burst = min(max(_LEAST_BURST_BYTES, rate_bps // _BURST_SHARE // _BITS), _MOST_BURST_BYTES)
    bucket = _node(
        "config",
        _node("cir", str(rate_bps)),
        _node("bc", str(burst)),
        _node("queuing-behavior", "POLICE" if polices else "SHAPE"),
    )
    exceed = [_node("exceed-action", _node("config", _node("drop", "true")))] if polices else []
    scheduler = _node(
        "scheduler",
        _node("sequence", "1"),
        _node(
            "config",
            _node("sequence", "1"),
            xml.identity(xml.OC_QOS, "type", "oc-qos-types", xml.OC_QOS_TYPES, "ONE_RATE_TWO_COLOR"),
        ),
        _node("one-rate-two-color", bucket, *exceed),
    )
    policy = _node(
        "scheduler-policy", _node("name", name), _node("config", _node("name", name)), _node("schedulers", scheduler)
    )
    return xml.marked(policy, "replace")


def _freed(entry: Element) -> Element:
    """The entry without its rates, or no entry where it has nothing else: others may have queues or classifiers."""
    port = _node("interface-id", text_at(entry, _qos("interface-id")) or "")
    if all(_is_of_rates(part) for part in entry):
        return removed(xml.OC_QOS, "interface", port)
    return _node(
        "interface",
        port,
        *(_node(direction, removed(xml.OC_QOS, "scheduler-policy")) for direction in ("input", "output")),
    )


def _is_of_rates(part: Element) -> bool:
    if part.tag in (_qos("input"), _qos("output")):
        return all(inner.tag == _qos("scheduler-policy") for inner in part)
    return part.tag in (_qos("interface-id"), _qos("config"), _qos("interface-ref"))
