"""The mark by which an object is known as ztpd's: what it is for, in the free text that the element keeps for it.

``ztpd svc=SVC-1 mac=aa:bb:cc:dd:ee:ff at=ether2 addr=host``. Whoever changes the text takes the object over.
"""

import re
from dataclasses import dataclass

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_LOOSE_MAC = re.compile(r"([0-9A-Fa-f]{2})[:-]?" * 5 + r"([0-9A-Fa-f]{2})")
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,62}")
_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}")
_MARK = re.compile(r"ztpd svc=(\S+) mac=(\S+) at=(\S+) addr=(none|host|prefix)")


class NotMarkable(ValueError):
    """A value has characters that a mark may not hold; it is refused, not escaped."""


@dataclass(frozen=True, slots=True)
class Mark:
    """For which service and device, at which place of the element, and how its address was asked for.

    ``address`` is ``none`` (whatever the element gives), ``host`` (``192.0.2.1``) or ``prefix`` (``192.0.2.1/32``).
    """

    service: str
    device: str
    place: str
    address: str = "none"

    def __str__(self) -> str:
        for value, allowed in ((self.service, _SERVICE), (self.device, _MAC), (self.place, _PLACE)):
            if allowed.fullmatch(value) is None:
                raise NotMarkable(f"{value!r} has characters that are not allowed")
        return f"ztpd svc={self.service} mac={self.device} at={self.place} addr={self.address}"


def read_mark(text: str) -> Mark | None:
    """The mark that a text is, or None when the object is not ours."""
    found = _MARK.fullmatch(text)
    if found is None:
        return None
    mark = Mark(*found.groups())
    try:
        return mark if str(mark) == text else None
    except NotMarkable:
        return None


def is_mac(device: str) -> bool:
    """Whether a device is named as ``drivers.access`` names a subscriber of a radio."""
    return _MAC.fullmatch(device) is not None


def canonical_mac(text: str) -> str | None:
    """``aa:bb:cc:dd:ee:ff`` of an address in any of the usual forms, or None."""
    found = _LOOSE_MAC.fullmatch(text)
    return None if found is None else ":".join(found.groups()).lower()
