"""The lab OLT over SSH: hellos, framing, sessions, errors, notifications, faults."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
from lxml import etree

from tests.unit.lab_olt.client import ADD_GOLD, NETCONF, Client, client, is_ok, tag_of_error
from ztpd.lab.netconf.schema import YANG_LIBRARY
from ztpd.lab.olt import LabOlt, LabOltPorts, LabOltSettings, lab_olt, run
from ztpd.lab.olt.dialect import Issue, ModulesIn

LOCK = "<lock><target><candidate/></target></lock>"
UNLOCK = "<unlock><target><candidate/></target></unlock>"
GET_CONFIG = "<get-config><source><running/></source></get-config>"
NOTIFIABLE = """<edit-config><target><candidate/></target><config>
  <interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>1/1/1</name>
    <channel-termination xmlns="urn:bbf:yang:bbf-xpon"><notifiable-onu-presence-states
      xmlns="urn:bbf:yang:bbf-xpon-onu-state" xmlns:t="urn:bbf:yang:bbf-xpon-onu-types"
      >t:onu-present</notifiable-onu-presence-states>
    </channel-termination></interface></interfaces></config></edit-config>"""
SUBSCRIBE = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'


@pytest.fixture
async def lab() -> AsyncIterator[LabOlt]:
    async with lab_olt(LabOltSettings(ports=1)) as made:
        yield made


def has_gold(lab: LabOlt) -> bool:
    return b"gold" in lab.running_config()


@pytest.mark.parametrize("base_11", [True, False])
async def test_a_session_says_hello_and_answers_in_the_framing_agreed_on(lab: LabOlt, base_11: bool) -> None:
    async with client(lab, base_11=base_11) as session:
        assert session.hello is not None
        assert session.hello.findtext(f"{{{NETCONF}}}session-id") == "1"

        reply = await session.rpc(GET_CONFIG, 'message-id="a-1" xmlns:x="urn:x" x:user="u"')

        assert (reply.get("message-id"), reply.get("{urn:x}user")) == ("a-1", "u")
        assert len(list(reply.iter("{urn:bbf:yang:bbf-xpon}channel-termination"))) == 1
        assert is_ok(await session.rpc("<close-session/>"))
        with pytest.raises(EOFError):
            await session.receive()


@pytest.mark.parametrize(
    ("operation", "attributes", "tag"),
    [
        ("<reboot/>", 'message-id="1"', "operation-not-supported"),
        ("<get/>", "", "missing-attribute"),
        ("", 'message-id="1"', "missing-element"),
        ("<edit-config><config/></edit-config>", 'message-id="1"', "missing-element"),
        (
            "<edit-config><target><running/></target><config/></edit-config>",
            'message-id="1"',
            "operation-not-supported",
        ),
        ("<get-config><source><startup/></source></get-config>", 'message-id="1"', "invalid-value"),
        ('<get><filter type="xpath" select="/"/></get>', 'message-id="1"', "operation-not-supported"),
        ("<kill-session><session-id>99</session-id></kill-session>", 'message-id="1"', "invalid-value"),
        ("<kill-session><session-id>1</session-id></kill-session>", 'message-id="1"', "invalid-value"),
        ("<cancel-commit/>", 'message-id="1"', "operation-failed"),
        ("<commit><confirmed/><confirm-timeout>soon</confirm-timeout></commit>", 'message-id="1"', "invalid-value"),
        (UNLOCK, 'message-id="1"', "operation-failed"),
    ],
)
async def test_what_cannot_be_answered_gets_the_rfcs_error(
    lab: LabOlt, operation: str, attributes: str, tag: str
) -> None:
    async with client(lab) as session:
        assert tag_of_error(await session.rpc(operation, attributes)) == tag
        assert is_ok(await session.rpc("<discard-changes/>")), "the session goes on"


async def test_a_lock_names_its_holder_and_ends_with_its_session(lab: LabOlt) -> None:
    async with client(lab) as second:
        async with client(lab) as first:
            assert is_ok(await first.rpc(LOCK))
            assert is_ok(await first.rpc(ADD_GOLD))
            denied = await second.rpc(LOCK)
            assert tag_of_error(denied) == "lock-denied"
            assert denied.findtext(f".//{{{NETCONF}}}error-info/{{{NETCONF}}}session-id") == "2"
        await until_free(second)
        assert is_ok(await second.rpc("<commit/>"))

    assert not has_gold(lab)


async def until_free(session: Client) -> None:
    async with asyncio.timeout(5):
        while not is_ok(await session.rpc(LOCK)):
            pass


async def test_a_killed_session_is_gone_with_its_lock(lab: LabOlt) -> None:
    async with client(lab) as killer:
        try:
            async with client(lab) as victim:
                await victim.rpc(LOCK)
                assert is_ok(await killer.rpc("<kill-session><session-id>2</session-id></kill-session>"))
                assert is_ok(await killer.rpc(LOCK))
                with pytest.raises((EOFError, asyncssh.Error, OSError)):
                    await victim.receive()
        except (asyncssh.Error, OSError):
            pass  # the connection that is left behind is broken, as it should be


async def test_a_confirmed_commit_runs_out(lab: LabOlt) -> None:
    async with client(lab) as session:
        await session.rpc(ADD_GOLD)
        assert is_ok(await session.rpc("<commit><confirmed/><confirm-timeout>1</confirm-timeout></commit>"))
        assert has_gold(lab)

        async with asyncio.timeout(5):
            while lab.olt.datastores.unconfirmed is not None:  # noqa: ASYNC110 # the server's own timer
                await asyncio.sleep(0.02)

        assert not has_gold(lab)


async def test_a_persistent_confirmed_commit_is_confirmed_by_another_session(lab: LabOlt) -> None:
    async with client(lab) as first:
        await first.rpc(ADD_GOLD)
        assert is_ok(await first.rpc("<commit><confirmed/><persist>token</persist></commit>"))
    async with client(lab) as second:
        assert tag_of_error(await second.rpc("<commit/>")) == "invalid-value"
        assert is_ok(await second.rpc("<commit><persist-id>token</persist-id></commit>"))

    assert has_gold(lab)


async def test_a_cancelled_commit_is_taken_back(lab: LabOlt) -> None:
    async with client(lab) as session:
        await session.rpc(ADD_GOLD)
        await session.rpc("<commit><confirmed/></commit>")
        assert is_ok(await session.rpc("<cancel-commit/>"))

    assert not has_gold(lab)


async def test_only_subscribers_hear_and_only_what_is_notifiable(lab: LabOlt) -> None:
    async with client(lab) as listener, client(lab, base_11=False) as other:
        assert is_ok(await listener.rpc(SUBSCRIBE))
        assert tag_of_error(await listener.rpc(SUBSCRIBE)) == "operation-failed"
        lab.plug("HWTC00000001", "1/1/1")
        await other.rpc(NOTIFIABLE)
        await other.rpc("<commit/>")
        lab.unplug("HWTC00000001")
        lab.plug("HWTC00000002", "1/1/1")

        heard = await listener.receive()
        reply = await other.rpc(GET_CONFIG)

    assert etree.QName(heard.tag).localname == "notification"
    assert heard.findtext(".//{*}detected-serial-number") == "HWTC00000002"
    assert etree.QName(reply.tag).localname == "rpc-reply", "who did not subscribe hears nothing"


@pytest.mark.parametrize(
    ("dialect", "modules_in", "said"),
    [
        ("i1", "hello", ["urn:bbf:yang:bbf-xpon-onu-states?module=bbf-xpon-onu-states&revision=2019-02-25"]),
        ("i3", "hello", ["urn:bbf:yang:bbf-xpon-onu-state?module=bbf-xpon-onu-state&revision=2024-04-23"]),
        ("i1", "modules-state", []),
        ("i3", "yang-library", []),
        ("i3", "nowhere", []),
    ],
)
async def test_its_modules_are_in_the_hello_or_the_library(
    dialect: Issue, modules_in: ModulesIn, said: list[str]
) -> None:
    async with (
        lab_olt(LabOltSettings(ports=1, dialect=dialect, modules_in=modules_in)) as lab,
        client(lab) as session,
    ):
        assert session.hello is not None
        offered = [found.text or "" for found in session.hello.iter("{*}capability")]
        data = await session.rpc("<get/>")

    assert [uri for uri in offered if "onu-state" in uri and "xponvani" not in uri] == said
    assert any("yang-library" in uri for uri in offered) == bool(modules_in in ("modules-state", "yang-library"))
    names = {name.text for name in data.iter(f"{{{YANG_LIBRARY}}}name")}
    assert (f"bbf-xpon-onu-state{'s' if dialect == 'i1' else ''}" in names) == (modules_in not in ("hello", "nowhere"))


async def test_data_of_the_other_issue_is_refused() -> None:
    async with lab_olt(LabOltSettings(ports=1, dialect="i1")) as lab, client(lab) as session:
        refused = await session.rpc(NOTIFIABLE)

        assert tag_of_error(refused) == "unknown-namespace"
        assert refused.findtext(".//{*}bad-element") == "notifiable-onu-presence-states"


@pytest.mark.parametrize("message", ["<rpc", '<!DOCTYPE a [<!ENTITY e "x">]><rpc/>&e;', "\x00"])
async def test_a_client_that_sends_no_xml_loses_its_session_alone(lab: LabOlt, message: str) -> None:
    async with client(lab) as good:
        async with client(lab) as bad:
            bad.send_raw(message)
            with pytest.raises(EOFError):
                await bad.receive()
        assert is_ok(await good.rpc("<discard-changes/>"))


async def test_only_the_netconf_subsystem_is_there(lab: LabOlt) -> None:
    host_key = asyncssh.import_public_key(lab.host_public_key)
    async with asyncssh.connect(
        "127.0.0.1", lab.netconf_port, username="ztpd", password="ztpd", known_hosts=([host_key], [], []), config=None
    ) as connection:
        result = await connection.run("show version")

    assert result.exit_status == 1


async def test_the_host_key_is_kept_in_its_file_for_the_owner_alone(tmp_path: Path) -> None:
    settings = LabOltSettings(ports=1, host_key_file=tmp_path / "host_key")
    async with lab_olt(settings) as first:
        key = first.host_public_key
    async with lab_olt(settings) as second:
        assert second.host_public_key == key
        assert stat.S_IMODE((tmp_path / "host_key").stat().st_mode) == 0o600
        await second.change_host_key()
        assert second.host_public_key != key


async def test_commits_take_the_time_they_are_told_to(lab: LabOlt) -> None:
    loop = asyncio.get_running_loop()
    async with lab_olt(LabOltSettings(ports=1, commit_seconds=0.2)) as slow, client(slow) as busy, client(slow) as idle:
        await busy.rpc(ADD_GOLD)
        started = loop.time()
        committing = asyncio.create_task(busy.rpc("<commit/>"))
        await idle.rpc(GET_CONFIG)
        idle_took = loop.time() - started
        await committing
        commit_took = loop.time() - started

    assert commit_took >= 0.2 > idle_took, "one session's commit holds up no other"


async def test_it_runs_until_cancelled() -> None:
    ready: asyncio.Future[LabOltPorts] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run(LabOltSettings(ports=1), ready.set_result))
    listening = await asyncio.wait_for(ready, 5)
    assert listening.host_public_key.startswith("ssh-ed25519 ")

    running.cancel()
    await asyncio.wait({running}, timeout=5)

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(listening.host, listening.netconf_port)
