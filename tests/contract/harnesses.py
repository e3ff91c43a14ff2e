"""Every driver that is held to the contract, by the name that its tests bear."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from tests.contract.bbf_harness import netconf_bbf
from tests.contract.call_home_harness import calling_olt
from tests.contract.cli_harness import cli_element
from tests.contract.harness import RADIO, ElementHarness
from tests.contract.linux_edge_harness import linux_edge
from tests.contract.routeros_harness import routeros
from tests.contract.switch_harness import IETF, OPENCONFIG, PROVIDER, switch_with
from tests.contract.uisp_harness import uisp

HARNESSES: dict[str, Callable[[], AbstractAsyncContextManager[ElementHarness]]] = {
    "netconf-bbf": partial(netconf_bbf, "i3"),
    "netconf-bbf-i1": partial(netconf_bbf, "i1"),
    "netconf-bbf-call-home": calling_olt,
    "netconf-switch-openconfig": partial(switch_with, OPENCONFIG),
    "netconf-switch-ietf": partial(switch_with, IETF),
    "netconf-switch-provider": partial(switch_with, PROVIDER),
    "routeros-dhcp": partial(routeros, RADIO),
    "routeros-ppp": partial(routeros, RADIO, ppp=True),
    "uisp": partial(uisp, RADIO),
    "cli-huawei-smartax": partial(cli_element, "huawei-smartax", "ssh"),
    "cli-huawei-smartax-telnet": partial(cli_element, "huawei-smartax", "telnet"),
    "linux-edge": linux_edge,
    "cli-v-sol": partial(cli_element, "v-sol", "ssh"),
    "cli-zte-c300": partial(cli_element, "zte-c300", "ssh"),
    "cli-zte-c600": partial(cli_element, "zte-c600", "ssh"),
    "cli-calix-axos": partial(cli_element, "calix-axos", "ssh"),
    "cli-nokia-isam": partial(cli_element, "nokia-isam", "ssh"),
}
