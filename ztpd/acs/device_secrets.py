"""The secret that each CPE alone is given: derived from one key, so that none lies in the database. Pure.

Who knows the key file knows every secret; without it they must be given anew. A CPE's user name says which device it
is: OUI, product class and serial number, or OUI and serial number, each escaped and joined by ``-`` (TR-069 §3.4.4).
"""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from ztpd.domain.profile import Value

MIN_KEY_CHARACTERS = 32

_LENGTH = 26  # of base32: 130 bits, and short enough for CPEs that cut a password at 32 characters
_ACS, _CONNECTION_REQUEST, _STUN = "acs", "connection-request", "stun"


class Named(Protocol):
    """Whatever has the names of a CWMP device: a ``DeviceId``, a ``CpeFacts``."""

    @property
    def oui(self) -> str:
        """OUI of the manufacturer."""

    @property
    def product_class(self) -> str:
        """Product class, may be empty."""

    @property
    def serial(self) -> str:
        """Serial number."""


def user_names(device: Named) -> tuple[str, ...]:
    """The user names that stand for a device, the one that it is given first; none for one without OUI or serial."""
    if not device.oui or not device.serial:
        return ()
    oui, serial = _escaped(device.oui.upper()), _escaped(device.serial)
    short = f"{oui}-{serial}"
    return (f"{oui}-{_escaped(device.product_class)}-{serial}", short) if device.product_class else (short,)


def plain_names(device: Named) -> tuple[str, ...]:
    """The same names without escapes, as they stand in certificates; two devices could share one."""
    if not device.oui or not device.serial:
        return ()
    oui = device.oui.upper()
    return (f"{oui}-{device.product_class}-{device.serial}", f"{oui}-{device.serial}")


def with_upper_oui(name: str) -> str:
    """A device's name as all that are compared with it are written."""
    oui, dash, rest = name.partition("-")
    return f"{oui.upper()}{dash}{rest}"


def _escaped(text: str) -> str:
    """All but letters, digits and ``_`` as %XX of UTF-8 (TR-069 §3.4.4), so that a ``-`` only ever joins."""
    # quote() never escapes these three.
    return quote(text, safe="").replace("-", "%2D").replace(".", "%2E").replace("~", "%7E")


@dataclass(frozen=True, slots=True)
class DeviceSecrets:
    """Derives what CPEs are given; ``key`` is the operator's, at least 32 random characters.

    ``not_for`` names devices that have secrets of an operator's own, and are given none.
    """

    key: bytes = field(repr=False)
    not_for: frozenset[str] = frozenset()

    def password(self, user_name: str) -> str:
        """The password that belongs to a user name at the ACS."""
        return self._derive(_ACS, user_name)

    def connection_request(self, device: Named) -> tuple[str, str] | None:
        """User name and password with which this CPE lets itself be called; None for one that is given none."""
        names = user_names(device)
        if not names or not self.not_for.isdisjoint((*names, *plain_names(device))):
            return None
        return names[0], self._derive(_CONNECTION_REQUEST, names[0])

    def stun_password(self, user_name: str) -> str:
        """The password that belongs to a user name at the STUN server."""
        return self._derive(_STUN, user_name)

    def management(self, device: Named) -> Mapping[str, Value]:
        """The intents that give a CPE its own secrets: at the ACS, for being called, at the STUN server.

        Empty for one that is given none.
        """
        called = self.connection_request(device)
        if called is None:
            return {}
        return {
            "management.username": called[0],
            "management.password": self.password(called[0]),
            "management.connection_request.username": called[0],
            "management.connection_request.password": called[1],
            "management.stun.username": called[0],
            "management.stun.password": self.stun_password(called[0]),
        }

    def _derive(self, purpose: str, user_name: str) -> str:
        text = f"{purpose}|{with_upper_oui(user_name)}"
        mac = hmac.digest(self.key, text.encode("utf-8", "replace"), "sha256")
        return base64.b32encode(mac[:20]).decode().lower()[:_LENGTH]  # the 20 bytes make 32 characters
