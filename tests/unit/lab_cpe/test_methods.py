"""What a lab CPE does with each method of CWMP that an ACS may call, and what it tells of it afterwards."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.unit.lab_cpe.scripted_acs import request, scripted_acs
from ztpd.lab.cpe.device import LabCpe
from ztpd.lab.cpe.register import Register
from ztpd.lab.cpe.rpc import serve
from ztpd.lab.cpe.settings import CpeSettings, Root
from ztpd.lab.cpe.soap import read_request
from ztpd.lab.cpe.state import BOOT, BOOTSTRAP, CpeState

SSIDS = "Device.WiFi.SSID."
SETTINGS = CpeSettings("http://127.0.0.1:1/acs", "cpe", "secret", "S1", time_factor=0.0)


def ask(state: CpeState, method: str, arguments: str = "") -> str:
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="urn:dslforum-org:cwmp-1-2">'
        f"<s:Header><c:ID>1</c:ID></s:Header><s:Body><c:{method}>{arguments}</c:{method}></s:Body></s:Envelope>"
    )
    return serve(state, read_request(body.encode()))


def key(text: str) -> str:
    return f"<CommandKey>{text}</CommandKey>"


@pytest.mark.parametrize("root", list(Root))
def test_every_model_has_what_an_inform_must_show(root: Root) -> None:
    state = CpeState(CpeSettings("http://acs/", "cpe", "secret", "S1", root=root))
    assert state.text("DeviceInfo.SoftwareVersion")
    assert state.text("ManagementServer.URL") == "http://acs/"


def test_an_instance_is_added_filled_and_deleted() -> None:
    state = CpeState(SETTINGS)
    before = state.tree.instances(SSIDS)
    said = ask(state, "AddObject", f"<ObjectName>{SSIDS}</ObjectName><ParameterKey>k</ParameterKey>")
    number = max(before) + 1
    assert f"<InstanceNumber>{number}</InstanceNumber>" in said
    assert f"{SSIDS}{number}.SSID" in state.tree
    said = ask(state, "DeleteObject", f"<ObjectName>{SSIDS}{number}.</ObjectName><ParameterKey>k</ParameterKey>")
    assert "<Status>0</Status>" in said
    assert state.tree.instances(SSIDS) == before


def test_a_number_that_was_used_is_not_given_again() -> None:
    state = CpeState(SETTINGS)
    first = state.tree.add(SSIDS)
    state.tree.delete(f"{SSIDS}{first}.")
    assert state.tree.add(SSIDS) == first + 1


@pytest.mark.parametrize("path", ["Device.Nothing.", "Device.DeviceInfo.", f"{SSIDS}99.", "Device.WiFi.SSID"])
def test_what_is_no_table_cannot_be_added_to(path: str) -> None:
    said = ask(CpeState(SETTINGS), "AddObject", f"<ObjectName>{path}</ObjectName><ParameterKey/>")
    assert "<FaultCode>9005</FaultCode>" in said


def test_attributes_are_kept_and_shown() -> None:
    state = CpeState(SETTINGS)
    struct = (
        f"<Name>{SSIDS}1.SSID</Name><NotificationChange>1</NotificationChange><Notification>2</Notification>"
        "<AccessListChange>0</AccessListChange><AccessList/>"
    )
    listed = f"<ParameterList><SetParameterAttributesStruct>{struct}</SetParameterAttributesStruct></ParameterList>"
    assert "SetParameterAttributesResponse" in ask(state, "SetParameterAttributes", listed)
    names = f"<ParameterNames><string>{SSIDS}1.SSID</string></ParameterNames>"
    assert "<Notification>2</Notification>" in ask(state, "GetParameterAttributes", names)


async def test_a_reboot_is_told_with_its_key() -> None:
    cpe = LabCpe(SETTINGS)
    assert "RebootResponse" in ask(cpe.state, "Reboot", key("k-1"))
    await cpe.settle()
    assert cpe.state.events == [(BOOT, ""), ("M Reboot", "k-1")]


async def test_a_factory_reset_forgets_everything() -> None:
    cpe = LabCpe(SETTINGS)
    cpe.state.tree.give(f"{SSIDS}1.SSID", "Home")
    cpe.state.put("ManagementServer.Password", "another")
    assert "FactoryResetResponse" in ask(cpe.state, "FactoryReset")
    await cpe.settle()
    assert cpe.state.events == [(BOOTSTRAP, ""), (BOOT, "")]
    assert cpe.state.tree.text(f"{SSIDS}1.SSID") != "Home"
    assert cpe.state.text("ManagementServer.Password") == "secret"


async def test_an_inform_can_be_scheduled() -> None:
    cpe = LabCpe(SETTINGS)
    ask(cpe.state, "ScheduleInform", f"<DelaySeconds>5</DelaySeconds>{key('k-2')}")
    await cpe.settle()
    assert cpe.state.events == [("3 SCHEDULED", ""), ("M ScheduleInform", "k-2")]


@pytest.fixture
async def files() -> AsyncIterator[str]:
    """A file server with one image, and a folder for uploads that it refuses."""

    async def answer(request: web.Request) -> web.Response:
        if request.method == "PUT":
            return web.Response(status=201 if await request.read() else 400)
        return web.Response(body=b"2.0.1\nimage") if request.path.endswith("image.bin") else web.Response(status=404)

    app = web.Application()
    app.router.add_route("*", "/{name:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


def transfer(url: str, file_type: str, more: str = "") -> str:
    return (
        f"{key('k-3')}<FileType>{file_type}</FileType><URL>{url}</URL><Username/><Password/>{more}"
        "<DelaySeconds>0</DelaySeconds>"
    )


def image(url: str, size: int = 0) -> str:
    more = f"<FileSize>{size}</FileSize><TargetFileName/><SuccessURL/><FailureURL/>"
    return transfer(url, "1 Firmware Upgrade Image", more)


async def test_a_download_is_fetched_and_its_version_runs_after_a_restart(files: str) -> None:
    cpe = LabCpe(SETTINGS)
    assert "<Status>1</Status>" in ask(cpe.state, "Download", image(f"{files}image.bin", len(b"2.0.1\nimage")))
    await cpe.settle()
    assert cpe.state.text("DeviceInfo.SoftwareVersion") == "2.0.1"
    assert {code for code, _ in cpe.state.events} == {BOOT, "7 TRANSFER COMPLETE", "M Download"}
    (complete,) = cpe.state.calls
    assert (complete.method, "<FaultCode>0</FaultCode>" in complete.body) == ("TransferComplete", True)


@pytest.mark.parametrize(("name", "size", "code"), [("missing.bin", 0, 9016), ("image.bin", 99, 9018)])
async def test_a_download_that_fails_is_told_with_its_fault(files: str, name: str, size: int, code: int) -> None:
    cpe = LabCpe(SETTINGS)
    before = cpe.state.text("DeviceInfo.SoftwareVersion")
    ask(cpe.state, "Download", image(f"{files}{name}", size))
    await cpe.settle()
    (complete,) = cpe.state.calls
    assert f"<FaultCode>{code}</FaultCode>" in complete.body
    assert cpe.state.text("DeviceInfo.SoftwareVersion") == before


async def test_an_upload_is_sent(files: str) -> None:
    cpe = LabCpe(SETTINGS)
    ask(cpe.state, "Upload", transfer(f"{files}configuration", "1 Vendor Configuration File"))
    await cpe.settle()
    (complete,) = cpe.state.calls
    assert "<FaultCode>0</FaultCode>" in complete.body


def operations(*structs: str) -> str:
    return f"<Operations>{''.join(structs)}</Operations>{key('k-5')}"


async def test_software_is_installed_and_what_names_nothing_fails() -> None:
    cpe = LabCpe(SETTINGS)
    url = "<InstallOpStruct><URL>http://198.51.100.9/unit</URL><UUID/><Username/><Password/></InstallOpStruct>"
    old = "<UninstallOpStruct><UUID>6ba7b810-9dad-11d1-80b4-00c04fd430c8</UUID><Version>3</Version></UninstallOpStruct>"
    said = ask(cpe.state, "ChangeDUState", operations(url, old, "<InstallOpStruct><URL/></InstallOpStruct>"))
    assert "ChangeDUStateResponse" in said
    await cpe.settle()
    assert cpe.state.events == [("11 DU STATE CHANGE COMPLETE", ""), ("M ChangeDUState", "k-5")]
    (complete,) = cpe.state.calls
    assert complete.method == "DUStateChangeComplete"
    shown = [text.partition("</CurrentState>")[0] for text in complete.body.split("<CurrentState>")[1:]]
    assert shown == ["Installed", "Uninstalled", "Failed"]
    assert complete.body.count("<FaultCode>0</FaultCode>") == 2
    assert "<Version>3</Version>" in complete.body


def test_a_change_of_no_software_is_refused() -> None:
    assert "<FaultCode>9003</FaultCode>" in ask(CpeState(SETTINGS), "ChangeDUState", operations())


def values(**set_: str) -> str:
    structs = "".join(
        f"<ParameterValueStruct><Name>Device.ManagementServer.{name}</Name><Value>{text}</Value></ParameterValueStruct>"
        for name, text in set_.items()
    )
    return f"<ParameterList>{structs}</ParameterList><ParameterKey>k</ParameterKey>"


async def test_another_acs_is_informed_as_at_first_contact() -> None:
    async with scripted_acs() as new, scripted_acs(request("SetParameterValues", values(URL=new.url))) as old:
        cpe = LabCpe(replace(SETTINGS, acs_url=old.url, time_factor=0.001))
        running = asyncio.create_task(cpe.run())
        try:
            assert await old.informed() == [(BOOTSTRAP, ""), (BOOT, "")]
            await old.heard("SetParameterValuesResponse")
            assert await new.informed() == [(BOOTSTRAP, "")]
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert old.said.empty()


async def test_it_is_reached_where_it_was_after_a_factory_reset() -> None:
    async with scripted_acs(request("FactoryReset")) as acs:
        cpe = LabCpe(replace(SETTINGS, acs_url=acs.url, time_factor=0.001))
        running = asyncio.create_task(cpe.run())
        try:
            await acs.informed()
            url = cpe.state.text("ManagementServer.ConnectionRequestURL")
            assert await acs.informed() == [(BOOTSTRAP, ""), (BOOT, "")]
            assert cpe.state.text("ManagementServer.ConnectionRequestURL") == url
            async with aiohttp.ClientSession() as http, http.get(url) as answer:
                assert answer.status in (200, 503)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_one_that_is_off_when_its_turn_comes_informs_when_it_is_on_again() -> None:
    async with scripted_acs() as acs:
        register = Register(1)
        cpe = LabCpe(replace(SETTINGS, acs_url=acs.url), register=register)
        async with register.turn():
            session = asyncio.create_task(cpe.inform([BOOT]))
            await asyncio.sleep(0)
            cpe.power.clear()
        other = LabCpe(replace(SETTINGS, acs_url=acs.url, serial="S2"), register=register)
        await other.inform([BOOT])
        assert "<SerialNumber>S2<" in await acs.heard("Inform")
        assert acs.said.qsize() == 1, "the other's empty POST and nothing else"
        cpe.power.set()
        await session
        assert "<SerialNumber>S1<" in await acs.heard("Inform")


async def test_credentials_that_are_set_count_from_the_next_session_on() -> None:
    changed = request("SetParameterValues", values(Username="device-7", Password="new-secret"))
    async with scripted_acs(changed, guard=True) as acs:
        cpe = LabCpe(replace(SETTINGS, acs_url=acs.url))
        assert await cpe.inform([BOOT]) == ["SetParameterValues"]
        await cpe.settle()
        assert acs.users == {"cpe"}
        await cpe.inform(["2 PERIODIC"])
        assert acs.users == {"cpe", "device-7"}
        assert cpe.state.events == [], "the same ACS is no new one"
