"""Which dialect an element speaks, by its hello or its YANG library, and what the driver makes of a lie."""

import asyncio
from typing import Literal

import pytest
from lxml import etree

from drivers.access import PresentDevice
from drivers.errors import Rejected, Unreachable
from drivers.netconf import xml
from drivers.netconf.modules import Module, library, told_by_hello, told_by_library
from drivers.netconf_bbf import NetconfBbfDriver
from drivers.netconf_bbf.dialects import BY_MODULE, I1, I3, Dialect
from tests.unit.drivers.test_session import driver_with, settings_for
from tests.unit.drivers.wire import WIRES
from ztpd.lab.netconf.faults import Refusal
from ztpd.lab.olt import LabOltSettings, lab_olt
from ztpd.lab.olt.dialect import DIALECTS
from ztpd.lab.olt.dialect import I3 as LAB_I3

PLURAL = "urn:bbf:yang:bbf-xpon-onu-states?module=bbf-xpon-onu-states&revision=2019-02-25"
SINGULAR = "urn:bbf:yang:bbf-xpon-onu-state?module=bbf-xpon-onu-state&revision=2020-10-13"
TYPES = "urn:bbf:yang:bbf-xpon-onu-types?module=bbf-xpon-onu-types&revision=2024-04-23"
LIBRARY_1_0 = "urn:ietf:params:netconf:capability:yang-library:1.0?revision=2016-06-21&module-set-id=7"
LIBRARY_1_1 = "urn:ietf:params:netconf:capability:yang-library:1.1?revision=2019-01-04&content-id=7"
SERIAL = "HWTC1A2B3C4D"
MODULES = tuple(BY_MODULE)


def dialect_of(module: Module | None) -> Dialect | None:
    return None if module is None else BY_MODULE[module]


@pytest.mark.parametrize(
    ("capabilities", "dialect"),
    [
        ([SINGULAR, TYPES], I3),
        ([PLURAL, TYPES], I1),
        ([PLURAL, SINGULAR], I3),
        (["urn:bbf:yang:bbf-xpon-onu-states"], I1),
        ([TYPES, LIBRARY_1_0, ""], None),
        ([], None),
    ],
    ids=["i3", "i1", "both", "bare", "neither", "nothing"],
)
def test_a_hello_tells_the_dialect(capabilities: list[str], dialect: Dialect | None) -> None:
    assert dialect_of(told_by_hello(capabilities, MODULES)) is dialect


def modules_state(*modules: tuple[str, str]) -> str:
    entries = "".join(
        f"<module><name>{name}</name><conformance-type>{kind}</conformance-type></module>" for name, kind in modules
    )
    return f'<modules-state xmlns="{xml.YANG_LIBRARY}">{entries}</modules-state>'


def yang_library(implemented: str, imported: str) -> str:
    return (
        f'<yang-library xmlns="{xml.YANG_LIBRARY}"><module-set><name>all</name><module><name>{implemented}</name>'
        f"</module><import-only-module><name>{imported}</name></import-only-module></module-set></yang-library>"
    )


@pytest.mark.parametrize(
    ("data", "dialect"),
    [
        (modules_state(("bbf-xpon-onu-states", "implement")), I1),
        (modules_state(("bbf-xpon-onu-states", "implement"), ("bbf-xpon-onu-state", "implement")), I3),
        (modules_state(("bbf-xpon-onu-states", "implement"), ("bbf-xpon-onu-state", "import")), I1),
        (yang_library("bbf-xpon-onu-states", "bbf-xpon-onu-state"), I1),
        (yang_library("bbf-xpon-onu-state", "bbf-xpon-onu-states"), I3),
        (modules_state(("bbf-xpon-onu-states", "import")), None),
        ("", None),
    ],
    ids=["i1", "both", "i3-imported", "rfc-8525-i1", "rfc-8525-i3", "only-imported", "empty"],
)
def test_a_library_tells_what_is_implemented(data: str, dialect: Dialect | None) -> None:
    reply = etree.fromstring(f'<rpc-reply xmlns="{xml.NETCONF}"><data>{data}</data></rpc-reply>')

    assert dialect_of(told_by_library(reply, MODULES)) is dialect


@pytest.mark.parametrize(
    ("capabilities", "tops"),
    [([LIBRARY_1_1], ["yang-library"]), ([LIBRARY_1_0], ["modules-state"]), ([], ["modules-state"])],
)
def test_only_the_two_modules_are_asked_for(capabilities: list[str], tops: list[str]) -> None:
    asked = library(capabilities, MODULES)

    assert [etree.QName(top.tag).localname for top in asked] == tops
    assert [name.text for top in asked for name in top.iter("{*}name")] == ["bbf-xpon-onu-state", "bbf-xpon-onu-states"]


@pytest.mark.parametrize("modules_in", ["hello", "modules-state", "yang-library"])
@pytest.mark.parametrize("dialect", ["i1", "i3"])
async def test_the_dialect_is_found_once_per_session(
    dialect: Literal["i1", "i3"], modules_in: Literal["hello", "modules-state", "yang-library"]
) -> None:
    async with (
        lab_olt(LabOltSettings(ports=1, dialect=dialect, modules_in=modules_in)) as lab,
        driver_with(settings_for(lab)) as driver,
    ):
        lab.plug(SERIAL, "1/1/1")
        first = await driver.list_discovered()
        gets = lab.olt.rpcs["get"]
        assert await driver.list_discovered() == first

        assert [onu.device for onu in first] == [SERIAL]
        assert gets == (1 if modules_in == "hello" else 2)
        assert lab.olt.rpcs["get"] == gets + 1


async def test_an_element_that_changes_its_dialect_is_understood_in_its_next_session() -> None:
    async with lab_olt(LabOltSettings(ports=1, dialect="i1")) as lab, driver_with(settings_for(lab)) as driver:
        lab.plug(SERIAL, "1/1/1")
        before = await driver.list_discovered()
        lab.olt.dialect = DIALECTS["i3"]
        lab.unplug(SERIAL)
        lab.plug(SERIAL, "1/1/1")
        lab.end_sessions()
        with pytest.raises(Unreachable):
            await driver.list_discovered()

        after = await driver.list_discovered()

    assert [onu.raw_state for onu in (*before, *after)] == [WIRES["i1"].unknown, LAB_I3.unknown]


async def test_an_element_without_either_module_is_rejected_with_the_remedy() -> None:
    async with (
        lab_olt(LabOltSettings(ports=1, modules_in="nowhere")) as lab,
        driver_with(settings_for(lab)) as driver,
    ):
        for attempt in (driver.list_discovered(), driver.list_provisioned(), driver.watch(print, print)):
            with pytest.raises(Rejected, match=r"neither bbf-xpon-onu-state nor bbf-xpon-onu-states .*; enable one"):
                await attempt
        with pytest.raises(Rejected, match="neither"):
            await driver.read(SERIAL)

        assert await driver.ports() == {"1/1/1"}, "the session goes on"


async def test_a_library_that_may_not_be_read_is_said() -> None:
    async with (
        lab_olt(LabOltSettings(ports=1, modules_in="yang-library")) as lab,
        driver_with(settings_for(lab)) as driver,
    ):
        lab.olt.faults.refuse("get", 1, Refusal("access-denied", "not for you"))

        with pytest.raises(Rejected, match=r"neither .*access-denied: not for you"):
            await driver.list_discovered()
        assert await driver.list_discovered() == [], "the next call asks again"


class Ears:
    """A driver that listens to a lab, and what it heard."""

    def __init__(self, driver: NetconfBbfDriver) -> None:
        self.heard: asyncio.Queue[PresentDevice] = asyncio.Queue()
        self._listening = asyncio.Event()
        self._task = asyncio.create_task(driver.watch(self.heard.put_nowait, self._listening.set))

    async def __aenter__(self) -> "Ears":
        async with asyncio.timeout(20):
            await self._listening.wait()
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    async def next(self) -> PresentDevice:
        async with asyncio.timeout(20):
            return await self.heard.get()


async def test_an_element_of_issue_1_is_listened_to_without_a_write() -> None:
    async with lab_olt(LabOltSettings(ports=1, dialect="i1")) as lab, driver_with(settings_for(lab)) as driver:
        before = lab.running_config()
        async with Ears(driver) as ears:
            lab.plug(SERIAL, "1/1/1", registration_id="30313233")
            came = await ears.next()

        assert (came.device, came.raw_state, came.registration_id) == (SERIAL, "onu-present-and-unexpected", "30313233")
        assert (lab.olt.writes, lab.running_config()) == (0, before)


@pytest.mark.parametrize(("spoken", "other"), [("i1", "i3"), ("i3", "i1")])
async def test_announcements_in_another_dialect_than_said_are_counted_and_ignored(
    spoken: Literal["i1", "i3"], other: str
) -> None:
    wire = WIRES[other]
    async with lab_olt(LabOltSettings(ports=1, dialect=spoken)) as lab, driver_with(settings_for(lab)) as driver:
        async with Ears(driver) as ears:
            lab.send_notification(wire.notification(wire.onu("HWTC00000009")))
            lab.send_notification(wire.notification(wire.onu("garbage")))
            lab.plug(SERIAL, "1/1/1")

            assert (await ears.next()).device == SERIAL
        assert (driver.foreign_announcements, driver.malformed_entries) == (2, 0)
