"""The shape of what is said of devices that another ACS knew, or has now."""

from ztpd.api.shown import Shown


class ImportShown(Shown):
    """What another ACS (``source``) knew of a device; its connection-request password is never shown.

    ``registered_at`` and ``informed_at`` are when it came there first and last.
    """

    source: str
    manufacturer: str
    oui: str
    product_class: str
    serial: str
    software_version: str
    hardware_version: str
    connection_request_url: str
    has_credentials: bool
    registered_at: str | None
    informed_at: str | None
    imported_at: str


class HandoverShown(Shown):
    """How far a device is on its way to another ACS; ``secret`` is the name of the password, not the password.

    ``state`` is ``asked``, ``told`` (no answer yet), ``accepted``, ``left``, ``returned``, ``failed`` or
    ``cancelled``. It counts as gone when it is not heard until ``silent_until``. ``said`` is what became of it, in
    words; ``interval_s`` how often it informs by itself, null when it did not tell.
    """

    state: str
    url: str
    username: str
    secret: str
    task: int
    actor: str
    tells: int
    interval_s: int | None
    asked_at: str
    told_at: str | None
    accepted_at: str | None
    silent_until: str | None
    left_at: str | None
    returned_at: str | None
    said: str
