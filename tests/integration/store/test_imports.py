"""What was imported of a CPE serves until it has something better, and stays with the device that it proves to be."""

import json

from tests.genieacs import PASSWORD, tr098
from tests.integration.store.world import HEX, OUI, SERIAL, World
from ztpd.domain.cpe_tasks import Reboot
from ztpd.domain.imports import Imported, Outcome
from ztpd.domain.waking import WakingPace
from ztpd.genieacs_dumps import device_of
from ztpd.store import cpe_asking, cpe_waking, imports


def take_in(here: World, serial: str = HEX, mac: str = "20:2b:c1:e0:06:65") -> Imported:
    """The CPE of the example's ONT as a GenieACS knows it."""
    document = tr098(mac=mac)
    named = {"_Manufacturer": "Acme", "_OUI": OUI, "_ProductClass": "ONT", "_SerialNumber": serial}
    document |= {"_id": f"{OUI}-ONT-{serial}", "_deviceId": named}
    device = device_of(json.dumps(document).encode())
    [found] = here.do(imports.take_in, [(1, device)], "office", dry_run=False)
    return found


def test_a_cpe_is_asked_to_inform_by_what_the_other_acs_gave_it(here: World) -> None:
    device = take_in(here).device
    assert device is not None
    here.inform()
    here.do(cpe_asking.ask, device, Reboot(), "office")
    [asking] = here.do(cpe_waking.claim_cpes_to_wake, WakingPace(), 10)
    assert asking.cpe.imported == ("cr-user", PASSWORD)
    assert PASSWORD not in repr(asking)


def test_an_ont_that_is_announced_is_the_device_that_was_imported(here: World) -> None:
    """Its CWMP serial number is the hex of its PON serial."""
    found = take_in(here)
    here.announce()
    device = here.device(SERIAL)
    assert device["id"] == found.device
    assert (here.reader.device(device["id"]) or {})["tags"] == ["north", "residential"]


def test_two_devices_that_prove_to_be_one_keep_tags_and_what_was_imported(here: World) -> None:
    here.announce()
    ont = here.device(SERIAL)["id"]
    here.do(imports.set_tags, ont, ("fibre",), "office")
    here.dhcp("20:2b:c1:e0:06:65")
    router = here.rows("SELECT max(id) AS id FROM device")[0]["id"]
    assert router != ont
    here.do(imports.set_tags, router, ("router", "fibre"), "office")

    found = take_in(here)
    assert (found.outcome, found.device) == (Outcome.UPDATED, ont)
    shown = here.reader.device(ont)
    assert shown is not None
    assert shown["tags"] == ["fibre", "north", "residential", "router"]
    assert shown["imported"]["software_version"] == "V100R001"
    gone = here.reader.device(router)
    assert gone is not None
    assert (gone["state"], gone["tags"], gone["imported"]) == ("retired", [], None)


def test_a_serial_that_is_another_devices_is_refused_and_nothing_is_kept_of_it(here: World) -> None:
    here.announce()
    here.inform("HAND-MADE")
    cpe = here.rows("SELECT device FROM cpe")[0]["device"]
    here.do(imports.set_tags, cpe, ("old",), "office")
    here.dhcp("20:2b:c1:e0:06:65")
    before = here.rows("SELECT * FROM device_name ORDER BY kind, value")
    first = take_in(here, "HAND-MADE")
    assert first.outcome is Outcome.UPDATED
    other = take_in(here, HEX)
    assert other.remark.startswith("its MAC addresses are left out")
    assert len(here.rows("SELECT * FROM device_name")) == len(before) + 1
