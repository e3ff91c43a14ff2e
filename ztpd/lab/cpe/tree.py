"""The parameters of a lab CPE: a small TR-181 or TR-098 tree, and what each parameter accepts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

_BOOLEANS = frozenset({"0", "1", "true", "false"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; ``lengths`` bounds a string, ``numbers`` a number; a hidden one reads back empty."""

    value: str = field(default="", repr=False)
    type: str = "string"
    writable: bool = True
    hidden: bool = False
    lengths: tuple[int, int] = (0, 256)
    numbers: tuple[int, int] = (0, 4_294_967_295)

    def accepts(self, text: str) -> bool:
        """Whether the text may be set."""
        match self.type:
            case "boolean":
                return text.lower() in _BOOLEANS
            case "unsignedInt":
                return text.isascii() and text.isdigit() and self.numbers[0] <= int(text) <= self.numbers[1]
            case _:
                return self.lengths[0] <= len(text) <= self.lengths[1]

    def holding(self, text: str) -> "Parameter":
        """The same parameter with another value."""
        return replace(self, value=text)


def tree_of(root: str, extra: Mapping[str, str]) -> dict[str, Parameter]:
    """The tree below ``Device.`` or ``InternetGatewayDevice.``; ``extra`` adds parameters or replaces values."""
    tree = _common() | (_tr181() if root == "Device." else _tr098())
    whole = {root + name: parameter for name, parameter in tree.items()}
    for path, text in extra.items():
        whole[path] = whole.get(path, Parameter()).holding(text)
    return whole


def _fixed(text: str) -> Parameter:
    return Parameter(text, writable=False)


def _boolean(text: str = "0") -> Parameter:
    return Parameter(text, type="boolean")


def _number(value: int, least: int, most: int = 4_294_967_295) -> Parameter:
    return Parameter(str(value), type="unsignedInt", numbers=(least, most))


def _secret(least: int = 0, most: int = 64) -> Parameter:
    return Parameter(hidden=True, lengths=(least, most))


def _common() -> dict[str, Parameter]:
    voice = "Services.VoiceService.1.VoiceProfile.1.Line.1.SIP."
    return {
        "DeviceInfo.HardwareVersion": _fixed("LAB1"),
        "DeviceInfo.SoftwareVersion": _fixed("1.0.0"),
        "DeviceInfo.ProvisioningCode": Parameter(lengths=(0, 64)),
        "ManagementServer.URL": Parameter(),
        "ManagementServer.Username": Parameter(),
        "ManagementServer.Password": _secret(most=256),
        "ManagementServer.PeriodicInformEnable": _boolean("1"),
        "ManagementServer.PeriodicInformInterval": _number(86_400, 1),
        "ManagementServer.ParameterKey": _fixed(""),
        "ManagementServer.ConnectionRequestURL": _fixed("http://127.0.0.1:7548/"),
        "ManagementServer.ConnectionRequestUsername": Parameter(),
        "ManagementServer.ConnectionRequestPassword": _secret(most=256),
        "Time.Enable": _boolean(),
        "Time.NTPServer1": Parameter(lengths=(0, 64)),
        "Time.NTPServer2": Parameter(lengths=(0, 64)),
        voice + "URI": Parameter(),
        voice + "AuthUserName": Parameter(lengths=(0, 128)),
        voice + "AuthPassword": _secret(most=128),
    }


def _tr181() -> dict[str, Parameter]:
    tree = {
        "Ethernet.VLANTermination.1.Enable": _boolean(),
        "Ethernet.VLANTermination.1.VLANID": _number(1, 1, 4094),
        "PPP.Interface.1.Enable": _boolean(),
        "PPP.Interface.1.Username": Parameter(lengths=(0, 64)),
        "PPP.Interface.1.Password": _secret(),
    }
    for radio, channel in ((1, 6), (2, 36)):
        tree |= {
            f"WiFi.Radio.{radio}.Channel": _number(channel, 1, 255),
            f"WiFi.Radio.{radio}.AutoChannelEnable": _boolean("1"),
            f"WiFi.SSID.{radio}.Enable": _boolean("1"),
            f"WiFi.SSID.{radio}.SSID": Parameter("factory", lengths=(1, 32)),
            f"WiFi.AccessPoint.{radio}.Security.ModeEnabled": Parameter("WPA2-Personal"),
            f"WiFi.AccessPoint.{radio}.Security.KeyPassphrase": _secret(8, 63),
        }
    return tree


def _tr098() -> dict[str, Parameter]:
    uplink = "WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1."
    tree = {
        uplink + "Enable": _boolean(),
        uplink + "Username": Parameter(lengths=(0, 64)),
        uplink + "Password": _secret(),
        uplink + "X_HW_VLAN": _number(1, 1, 4094),
    }
    for network, channel in ((1, 6), (5, 36)):
        wlan = f"LANDevice.1.WLANConfiguration.{network}."
        tree |= {
            wlan + "Enable": _boolean("1"),
            wlan + "SSID": Parameter("factory", lengths=(1, 32)),
            wlan + "BeaconType": Parameter("11i"),
            wlan + "Channel": _number(channel, 0, 255),
            wlan + "AutoChannelEnable": _boolean("1"),
            wlan + "PreSharedKey.1.KeyPassphrase": _secret(0, 63),
        }
    return tree
