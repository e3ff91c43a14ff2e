"""Whose session goes over which connection, for CPEs that show their cookie only once on one that they keep. Pure.

A cookie names a session wherever it comes from; a connection does only as long as nobody shares it.
"""

from dataclasses import dataclass

Device = tuple[str, str, str]
"""OUI, product class and serial number; or what else a session is told apart by."""


@dataclass(frozen=True, slots=True)
class _Carried:
    """``device`` is whose Inform came over a connection, ``token`` its session's once its cookie came over it too."""

    device: Device
    token: str = ""


_NOTHING = _Carried(("", "", ""))


class KeptAlive:
    """What each open connection carries; a connection is any object, and is forgotten when it ends.

    Nothing goes by one that two devices were heard over: a proxy shares it.
    """

    def __init__(self) -> None:
        self._carried: dict[object, _Carried | None] = {}

    def __len__(self) -> int:
        return len(self._carried)

    def began(self, connection: object) -> None:
        """The connection is there; of one that did not begin, or has ended, nothing is kept."""
        self._carried[connection] = _NOTHING

    def informed(self, connection: object, device: Device) -> None:
        """A session began over this connection: its cookie has yet to be shown."""
        self._note(connection, _Carried(device))

    def showed(self, connection: object, device: Device, token: str) -> None:
        """A POST over this connection showed the cookie of a session."""
        self._note(connection, _Carried(device, token))

    def token(self, connection: object) -> str:
        """The token of the session that a POST without a cookie belongs to here; empty when to none."""
        carried = self._carried.get(connection)
        return "" if carried is None else carried.token

    def forget(self, connection: object) -> None:
        """The connection has ended."""
        self._carried.pop(connection, None)

    def _note(self, connection: object, carried: _Carried) -> None:
        before = self._carried.get(connection)
        if before is not None:
            same = before is _NOTHING or before.device == carried.device
            self._carried[connection] = carried if same else None
