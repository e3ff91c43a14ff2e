"""PPPoE and telephone lines of a lab CPE come up where user and password are right, and say why where they are not."""

import pytest

from tests.unit.lab_cpe.test_methods import ask
from ztpd.lab.cpe.accounts import Accounts, read_accounts
from ztpd.lab.cpe.settings import CpeSettings, Root
from ztpd.lab.cpe.soap import Attributes
from ztpd.lab.cpe.state import VALUE_CHANGE, CpeState

PPP = {Root.TR181: "Device.PPP.Interface.", Root.TR098: "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1."}
KNOWN = Accounts({"pppoe": {"user@isp": "right"}, "voice": {"+49301": "right"}})


def state(root: Root, accounts: Accounts = KNOWN) -> CpeState:
    return CpeState(CpeSettings("http://acs/", "cpe", "secret", "S1", root=root, accounts=accounts))


def set_(state: CpeState, object_: str, **values: str) -> None:
    structs = "".join(
        f"<ParameterValueStruct><Name>{object_}{name.replace('_', '.')}</Name><Value>{text}</Value>"
        "</ParameterValueStruct>"
        for name, text in values.items()
    )
    said = ask(state, "SetParameterValues", f"<ParameterList>{structs}</ParameterList><ParameterKey>k</ParameterKey>")
    assert "<Status>0</Status>" in said, said


def connection(root: Root) -> str:
    return f"{PPP[root]}1." if root is Root.TR181 else f"{PPP[root]}WANPPPConnection.1."


@pytest.mark.parametrize("root", list(Root))
@pytest.mark.parametrize(
    ("values", "status", "error"),
    [
        ({"Enable": "1", "Username": "user@isp", "Password": "right"}, "Connected", "ERROR_NONE"),
        ({"Enable": "1", "Username": "user@isp", "Password": "no"}, "Disconnected", "ERROR_AUTHENTICATION_FAILURE"),
        ({"Enable": "1", "Username": "else@isp", "Password": "right"}, "Disconnected", "ERROR_AUTHENTICATION_FAILURE"),
        ({"Enable": "1", "Username": "", "Password": "right"}, "Unconfigured", "ERROR_NONE"),
        ({"Enable": "0", "Username": "user@isp", "Password": "right"}, "Unconfigured", "ERROR_NONE"),
    ],
    ids=["right", "wrong-password", "unknown-user", "no-user", "disabled"],
)
def test_a_pppoe_session_follows_its_credentials(root: Root, values: dict[str, str], status: str, error: str) -> None:
    cpe = state(root)
    set_(cpe, connection(root), **values)
    shown = {name: cpe.tree.text(connection(root) + name) for name in ("ConnectionStatus", "LastConnectionError")}
    assert shown == {"ConnectionStatus": status, "LastConnectionError": error}


@pytest.mark.parametrize("root", list(Root))
@pytest.mark.parametrize(("password", "status"), [("right", "Up"), ("wrong", "Error")])
def test_a_telephone_line_follows_its_credentials(root: Root, password: str, status: str) -> None:
    cpe = state(root)
    line = f"{root}Services.VoiceService.1.VoiceProfile.1.Line.1."
    assert cpe.tree.text(f"{line}Status") == "Disabled"
    set_(cpe, line, Enable="Enabled", SIP_AuthUserName="+49301", SIP_AuthPassword=password)
    assert cpe.tree.text(f"{line}Status") == status
    set_(cpe, line, Enable="Disabled")
    assert cpe.tree.text(f"{line}Status") == "Disabled"


def test_an_instance_that_was_added_follows_too() -> None:
    cpe = state(Root.TR181)
    number = cpe.tree.add(PPP[Root.TR181])
    set_(cpe, f"{PPP[Root.TR181]}{number}.", Enable="true", Username="user@isp", Password="right")
    assert cpe.tree.text(f"{PPP[Root.TR181]}{number}.Status") == "Up"
    assert cpe.tree.text(f"{PPP[Root.TR181]}1.Status") == "Down"


def test_a_status_that_the_settings_give_is_left_alone() -> None:
    shown = {"Device.PPP.Interface.1.ConnectionStatus": "Authenticating"}
    cpe = CpeState(CpeSettings("http://acs/", "cpe", "secret", "S1", parameters=shown))
    set_(cpe, connection(Root.TR181), Enable="1", Username="user@isp", Password="right")
    assert cpe.tree.text("Device.PPP.Interface.1.ConnectionStatus") == "Authenticating"
    assert cpe.tree.text("Device.PPP.Interface.1.Status") == "Down"


def test_who_wants_to_know_of_a_session_is_told() -> None:
    cpe = state(Root.TR181)
    path = f"{connection(Root.TR181)}ConnectionStatus"
    cpe.attributes[path] = Attributes(path, 2, ())
    set_(cpe, connection(Root.TR181), Enable="1", Username="user@isp", Password="right")
    assert (VALUE_CHANGE, "") in cpe.events


def test_without_accounts_any_credentials_are_right_and_none_are_not() -> None:
    assert Accounts().accept("pppoe", "anybody", "anything")
    assert not Accounts().accept("pppoe", "anybody", "")
    assert read_accounts('[pppoe]\n"a@b" = "c"').accept("voice", "anybody", "anything")
    assert not read_accounts('[pppoe]\n"a@b" = "c"').accept("pppoe", "a@b", "d")


@pytest.mark.parametrize("text", ["pppoe = 5", "[pppoe]\na = 5", "[pppoe"])
def test_what_is_no_table_of_accounts_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"pppoe|Expected|line 1"):
        read_accounts(text)


def test_no_password_is_shown() -> None:
    assert "right" not in repr(KNOWN)
