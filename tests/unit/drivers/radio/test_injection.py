"""No name, user, address or password adds a property, a path or a line to what is written."""

import re
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from drivers.access import WantedAccess
from drivers.rest.marks import NotMarkable, read_mark
from drivers.routeros import changes as routeros
from drivers.routeros.holdings import Register as RouterRegister
from drivers.routeros.settings import RouterosSettings
from drivers.routeros.tables import Snapshot
from drivers.uisp import changes as uisp
from drivers.uisp.reading import Register as UispRegister
from drivers.uisp.settings import UispSettings
from drivers.uisp.tables import Device

PINNED = "ab" * 32
ROUTER = RouterosSettings(name="r", url="https://r", username="u", password="p", certificate_sha256=PINNED)
UISP = UispSettings(name="c", url="https://c", token="t", certificate_sha256=PINNED)
PATH = re.compile(r"/rest/[a-z/-]+(/\*[0-9A-F]+)?|/nms/api/v2\.1/[a-z/]+(/(\{site\}|[0-9a-z-]+)(/[a-z]+)?)?")
SUSPENDING = frozenset({ROUTER.suspended_list})
TEXTS = st.text() | st.text("abc-.:@/<>\n\r\t\0 '\"&?=;*{}$\\")

hostile = st.builds(
    WantedAccess,
    service=TEXTS | st.just("SVC-1"),
    port=TEXTS | st.just("ether2"),
    device=TEXTS | st.just("aa:bb:cc:dd:ee:ff"),
    s_vlan=st.just(1),
    c_vlan=st.none(),
    downstream_bps=st.integers() | st.just(10_000_000),
    upstream_bps=st.integers() | st.just(10_000_000),
    address=st.none() | TEXTS | st.just("10.0.0.5"),
    ppp_user=st.none() | TEXTS | st.just("smith"),
    ppp_password=st.none() | TEXTS | st.just("secret"),
    enabled=st.booleans(),
    description=TEXTS,
)


def router_writes(wanted: WantedAccess) -> Iterable[routeros.Write]:
    # Whatever the port is called, the router has it: only then does its name get anywhere.
    snapshot = Snapshot(servers={"dhcp": wanted.port}, pppoe_servers={"isp": wanted.port}, ruled_lists=SUSPENDING)
    register = RouterRegister(snapshot, ROUTER)
    held = register.of(wanted.device)
    try:
        return routeros.writes_for(register, held, routeros.target_for(register, held, wanted))
    except (routeros.NotPossible, NotMarkable):
        return []


def uisp_writes(wanted: WantedAccess) -> Iterable[uisp.Write]:
    access_point = Device("ap-1", "00:00:00:00:00:01", wanted.port, "ap", "airMax", True, "tower-1", None)
    radio = Device("radio-1", wanted.device, "radio", "station", "airMax", False, None, None)
    register = UispRegister([access_point, radio], [])
    held = register.of(wanted.device)
    try:
        return list(uisp.writes_for(held, uisp.target_for(register, held, wanted, UISP)))
    except (uisp.NotPossible, NotMarkable):
        return []


@given(hostile)
def test_a_router_is_written_nothing_but_what_is_allowed(wanted: WantedAccess) -> None:
    for write in router_writes(wanted):
        assert PATH.fullmatch(write.path)
        assert write.body is not None
        for name, value in write.body.items():
            assert value.isascii(), name
            assert value.isprintable(), name
        assert read_mark(write.body["comment"])
        assert repr(write) == f"Write(method={write.method!r}, path={write.path!r})"


@given(hostile)
def test_uisp_is_written_nothing_but_what_is_allowed(wanted: WantedAccess) -> None:
    for write in uisp_writes(wanted):
        assert PATH.fullmatch(write.path), write.path
        for value in (write.body or {}).values():
            assert not isinstance(value, str) or (value.isascii() and value.isprintable())
        assert write.path != "/nms/api/v2.1/sites" or read_mark((write.body or {})["note"])


def test_the_strategy_reaches_what_is_written() -> None:
    wanted = WantedAccess("SVC-1", "ether2", "aa:bb:cc:dd:ee:ff", 1, None, 10_000_000, 10_000_000, address="10.0.0.5")
    assert [write.path for write in router_writes(wanted)] == ["/rest/queue/simple", "/rest/ip/dhcp-server/lease"]
    assert len(list(uisp_writes(wanted))) == 3
