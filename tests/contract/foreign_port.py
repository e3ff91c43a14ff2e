"""What another management system configures on a switch port: the same service, under names that say nothing to us."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from drivers.access import WantedAccess

_CONFIG = '<nc:config xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">{}</nc:config>'
_SAID = "Smith, first floor"


def _openconfig(wanted: WantedAccess, number: int) -> str:
    port = wanted.port
    return _CONFIG.format(f"""
      <interfaces xmlns="http://openconfig.net/yang/interfaces"><interface><name>{port}</name>
        <config><name>{port}</name><description>{_SAID}</description><enabled>true</enabled>
          <type xmlns:t="urn:ietf:params:xml:ns:yang:iana-if-type">t:ethernetCsmacd</type></config>
        <ethernet xmlns="http://openconfig.net/yang/interfaces/ethernet">
          <switched-vlan xmlns="http://openconfig.net/yang/vlan"><config><interface-mode>ACCESS</interface-mode>
            <access-vlan>{wanted.s_vlan}</access-vlan></config></switched-vlan></ethernet></interface></interfaces>
      <qos xmlns="http://openconfig.net/yang/qos">
        <interfaces><interface><interface-id>{port}</interface-id><config><interface-id>{port}</interface-id></config>
          <interface-ref><config><interface>{port}</interface></config></interface-ref>
          <input><scheduler-policy><config><name>gold-up</name></config></scheduler-policy></input>
          <output><scheduler-policy><config><name>gold-down</name></config></scheduler-policy></output>
        </interface></interfaces>
        <scheduler-policies>{_policy("gold-up", wanted.upstream_bps)}{_policy("gold-down", wanted.downstream_bps)}
        </scheduler-policies></qos>""")


def _policy(name: str, bps: int) -> str:
    return f"""<scheduler-policy><name>{name}</name><config><name>{name}</name></config><schedulers><scheduler>
        <sequence>7</sequence><config><sequence>7</sequence>
          <type xmlns:t="http://openconfig.net/yang/qos-types">t:ONE_RATE_TWO_COLOR</type></config>
        <one-rate-two-color><config><cir>{bps}</cir><bc>200000</bc><queuing-behavior>SHAPE</queuing-behavior></config>
        </one-rate-two-color></scheduler></schedulers></scheduler-policy>"""


def _ietf_port(port: str, inside: str) -> str:
    return f"""<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>{port}</name>
        <description>{_SAID}</description><enabled>true</enabled>
        <bridge-port xmlns="urn:ieee:std:802.1Q:yang:ieee802-dot1q-bridge">
          <acceptable-frame>admit-only-untagged-and-priority-tagged</acceptable-frame>{inside}
        </bridge-port></interface></interfaces>"""


def _ietf(wanted: WantedAccess, number: int) -> str:
    vlan = wanted.s_vlan
    return _CONFIG.format(f"""{_ietf_port(wanted.port, f"<pvid>{vlan}</pvid>")}
      <bridges xmlns="urn:ieee:std:802.1Q:yang:ieee802-dot1q-bridge"><bridge><name>bridge</name><component>
        <name>c-vlan</name><filtering-database><vlan-registration-entry><database-id>0</database-id>
          <vids>{vlan}</vids><port-map><port-ref>{number}</port-ref><static-vlan-registration-entries>
            <vlan-transmitted>untagged</vlan-transmitted></static-vlan-registration-entries></port-map>
        </vlan-registration-entry></filtering-database></component></bridge></bridges>""")


def _provider(wanted: WantedAccess, number: int) -> str:
    registration = f"""<pvid>{wanted.c_vlan}</pvid>
      <cvid-registration xmlns="urn:ieee:std:802.1Q:yang:ieee802-dot1q-pb"><cvid>{wanted.c_vlan}</cvid>
        <svid>{wanted.s_vlan}</svid><untagged-pep>false</untagged-pep><untagged-cep>true</untagged-cep>
      </cvid-registration>"""
    return _CONFIG.format(_ietf_port(wanted.port, registration))


CONFIGURATION: Mapping[str, Callable[[WantedAccess, int], str]] = MappingProxyType(
    {"openconfig": _openconfig, "ietf": _ietf, "provider": _provider}
)
"""By family of modules: the ``<config>`` of a service, of it and the number of its port."""
