"""Listings and notifications as an OLT of each dialect writes them, from plain strings."""

from dataclasses import dataclass

from drivers.netconf_bbf.dialects import I1, I3, Dialect

_IF, _XPON = "urn:ietf:params:xml:ns:yang:ietf-interfaces", "urn:bbf:yang:bbf-xpon"
_PRESENT = "onus-present-on-local-channel-termination"
_NESTED = (
    "<if:interfaces-state><if:interface>{port}<x:channel-termination>{content}</x:channel-termination>"
    "</if:interface></if:interfaces-state>"
)


@dataclass(frozen=True, slots=True)
class Wire:
    """The names of one dialect, written down once more for the tests; ``unknown`` is a state that nobody claims."""

    dialect: Dialect
    namespace: str
    types: str
    state: str
    change: str
    v_ani_namespace: str
    unknown: str

    @property
    def prefixes(self) -> str:
        """Declarations of the prefixes ``if``, ``x``, ``s``, ``t``, ``v`` and ``vs``."""
        return (
            f'xmlns:if="{_IF}" xmlns:x="{_XPON}" xmlns:s="{self.namespace}" xmlns:t="{self.types}" '
            f'xmlns:v="urn:bbf:yang:bbf-xponvani" xmlns:vs="{self.v_ani_namespace}"'
        )

    def onu(self, serial: str, state: str | None = None, **leaves: str) -> str:
        """The leaves of one entry, the state written with its module's prefix."""
        told = {"detected-serial-number": serial, self.state: f"t:{state or self.unknown}"}
        return "".join(
            f"<s:{tag.replace('_', '-')}>{text}</s:{tag.replace('_', '-')}>" for tag, text in (told | leaves).items()
        )

    def listing(self, port: str, *onus: str) -> str:
        """The ONUs present on one port."""
        entries = "".join(f"<s:onu>{content}</s:onu>" for content in onus)
        return _NESTED.format(port=f"<if:name>{port}</if:name>", content=f"<s:{_PRESENT}>{entries}</s:{_PRESENT}>")

    def notification(self, *changes: str, port: str | None = "1/1/1") -> str:
        """A ``<notification>`` of changes on one port, or on none that is named."""
        content = "".join(self._change(change, port) for change in changes)
        return (
            f'<n:notification xmlns:n="urn:ietf:params:xml:ns:netconf:notification:1.0" {self.prefixes}>'
            f"<n:eventTime>2026-01-01T00:00:00Z</n:eventTime>{content}</n:notification>"
        )

    def _change(self, onu: str, port: str | None) -> str:
        if self.dialect is I1:
            named = "" if port is None else f"<s:channel-termination-ref>{port}</s:channel-termination-ref>"
            return f"<s:{self.change}>{named}{onu}</s:{self.change}>"
        named = "" if port is None else f"<if:name>{port}</if:name>"
        return _NESTED.format(port=named, content=f"<s:{self.change}>{onu}</s:{self.change}>")


I3_WIRE = Wire(
    dialect=I3,
    namespace="urn:bbf:yang:bbf-xpon-onu-state",
    types="urn:bbf:yang:bbf-xpon-onu-types",
    state="onu-presence-state",
    change="onu-presence-state-change",
    v_ani_namespace="urn:bbf:yang:bbf-xponvani",
    unknown="onu-present-and-no-v-ani-known-and-unclaimed",
)
I1_WIRE = Wire(
    dialect=I1,
    namespace="urn:bbf:yang:bbf-xpon-onu-states",
    types="urn:bbf:yang:bbf-xpon-more-types",
    state="onu-state",
    change="onu-state-change",
    v_ani_namespace="urn:bbf:yang:bbf-xponvani-onu-states",
    unknown="onu-present-and-unexpected",
)
WIRES = {"i3": I3_WIRE, "i1": I1_WIRE}
