"""What another management system configures for an ONU: the same service, under names that say nothing to us."""

from drivers.access import WantedAccess

_NAMESPACES = (
    'xmlns:if="urn:ietf:params:xml:ns:yang:ietf-interfaces" xmlns:x="urn:bbf:yang:bbf-xponvani" '
    'xmlns:xt="urn:bbf:yang:bbf-xpon-if-type" xmlns:bt="urn:bbf:yang:bbf-if-type" '
    'xmlns:g="urn:bbf:yang:bbf-xpongemtcont" xmlns:s="urn:bbf:yang:bbf-sub-interfaces" '
    'xmlns:t="urn:bbf:yang:bbf-sub-interface-tagging" xmlns:d="urn:bbf:yang:bbf-dot1q-types" '
    'xmlns:f="urn:bbf:yang:bbf-l2-forwarding" xmlns:q="urn:bbf:yang:bbf-qos-traffic-mngt" '
    'xmlns:h="urn:bbf:yang:bbf-qos-shaping" xmlns:u="urn:bbf:yang:bbf-interface-usage"'
)


def configuration(wanted: WantedAccess, number: int) -> str:
    """The ``<config>`` of a service; ``number`` is added to the lowest numbers of an XGS-PON to make its own."""
    name = f"sub{number:04d}"
    return f"""<nc:config xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" {_NAMESPACES}>
      <if:interfaces>
        <if:interface><if:name>{name}</if:name><if:type>xt:v-ani</if:type><if:enabled>true</if:enabled><x:v-ani>
          <x:onu-id>{1 + number}</x:onu-id><x:channel-partition>cpart-{wanted.port}</x:channel-partition>
          <x:expected-serial-number>{wanted.device}</x:expected-serial-number>
          <x:preferred-channel-pair>cpair-{wanted.port}</x:preferred-channel-pair></x:v-ani></if:interface>
        <if:interface><if:name>{name}-lan</if:name><if:type>xt:olt-v-enet</if:type>
          <x:olt-v-enet><x:lower-layer-interface>{name}</x:lower-layer-interface></x:olt-v-enet>
          <q:tm-root><h:shaper-name>platinum-{number}</h:shaper-name></q:tm-root></if:interface>
        <if:interface><if:name>{name}-data</if:name><if:type>bt:vlan-sub-interface</if:type>
          <u:interface-usage><u:interface-usage>user-port</u:interface-usage></u:interface-usage>
          <s:subif-lower-layer><s:interface>{name}-lan</s:interface></s:subif-lower-layer>
          <s:inline-frame-processing><s:ingress-rule><s:rule><s:name>any</s:name><s:priority>1</s:priority>
            <s:flexible-match><t:match-criteria><t:untagged/></t:match-criteria></s:flexible-match>
            <s:ingress-rewrite><t:pop-tags>0</t:pop-tags>
              {_pushed(0, "s-vlan", wanted.s_vlan)}{_pushed(1, "c-vlan", wanted.c_vlan)}
            </s:ingress-rewrite></s:rule></s:ingress-rule>
            <s:egress-rewrite><t:pop-tags>2</t:pop-tags></s:egress-rewrite>
          </s:inline-frame-processing></if:interface>
        <if:interface><if:name>north-{number}</if:name><if:type>bt:vlan-sub-interface</if:type>
          <u:interface-usage><u:interface-usage>network-port</u:interface-usage></u:interface-usage>
          <s:subif-lower-layer><s:interface>uplink-1</s:interface></s:subif-lower-layer></if:interface>
      </if:interfaces>
      <g:xpongemtcont><g:traffic-descriptor-profiles><g:traffic-descriptor-profile><g:name>gold-{number}</g:name>
          <g:assured-bandwidth>{wanted.assured_upstream_bps}</g:assured-bandwidth>
          <g:maximum-bandwidth>{wanted.upstream_bps}</g:maximum-bandwidth>
        </g:traffic-descriptor-profile></g:traffic-descriptor-profiles>
        <g:tconts><g:tcont><g:name>{name}-t</g:name><g:alloc-id>{1024 + number}</g:alloc-id>
          <g:interface-reference>{name}</g:interface-reference>
          <g:traffic-descriptor-profile-ref>gold-{number}</g:traffic-descriptor-profile-ref></g:tcont></g:tconts>
        <g:gemports><g:gemport><g:name>{name}-g</g:name><g:gemport-id>{1024 + 2 * number}</g:gemport-id>
          <g:interface>{name}-lan</g:interface><g:traffic-class>0</g:traffic-class>
          <g:tcont-ref>{name}-t</g:tcont-ref></g:gemport></g:gemports></g:xpongemtcont>
      <q:tm-profiles><h:shaper-profile><h:name>platinum-{number}</h:name>
        <h:single-token-bucket><h:pir>{wanted.downstream_bps // 1000}</h:pir></h:single-token-bucket>
      </h:shaper-profile></q:tm-profiles>
      <f:forwarding><f:forwarders><f:forwarder><f:name>bridge-{number}</f:name><f:ports>
        <f:port><f:name>1</f:name><f:sub-interface>{name}-data</f:sub-interface></f:port>
        <f:port><f:name>2</f:name><f:sub-interface>north-{number}</f:sub-interface></f:port>
      </f:ports></f:forwarder></f:forwarders></f:forwarding>
    </nc:config>"""


def _pushed(position: int, kind: str, vlan_id: int | None) -> str:
    return (
        f"<t:push-tag><t:index>{position}</t:index><t:dot1q-tag><t:tag-type>d:{kind}</t:tag-type>"
        f"<t:vlan-id>{vlan_id}</t:vlan-id><t:write-pbit-0/><t:write-dei-0/></t:dot1q-tag></t:push-tag>"
    )
