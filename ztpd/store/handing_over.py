"""Intentions of a person who hands a finished CPE over to another ACS."""

from ztpd.domain.cpe_tasks import HandOver
from ztpd.domain.handover import AWAY, HandoverState
from ztpd.domain.lifecycle import DeviceState, ServiceState
from ztpd.store import allocations, cpe_asking, cpe_handover, devices
from ztpd.store.transaction import Refused, Row, Transaction, Unknown


def hand_over(tx: Transaction, device: int, what: HandOver, actor: str) -> Row:
    """Have a CPE inform another ACS from its next session on; the task. Again before it was told, it is the same one.

    It is audited, without the password. Raises ``Unknown``, and ``Refused`` when it is not finished here, is gone
    already, or has something else to do.
    """
    row = tx.one("get_device", id=device)
    if row is None:
        raise Unknown("device", str(device))
    if what.secret not in tx.handover.secrets:
        remedy = f"name the file of its password: [acs.handover.secrets] {what.secret} = FILE, and restart"
        raise Refused(f"there is no secret {what.secret} for handing over", remedy)
    _check_finished(tx, row)
    open_tasks = tx.all("open_cpe_tasks", device=device)
    others = [task for task in open_tasks if task["kind"] != cpe_handover.KIND]
    if others:
        raise Refused(f"device {device} has {len(others)} tasks to do", "wait for them, or cancel them")
    under_way = tx.one("cpe_handover", device=device)
    if under_way is not None:
        _check_earlier(under_way, what)
    task = cpe_asking.ask(tx, device, what, actor)
    if under_way is None or under_way["task"] != task["id"]:
        cpe_handover.begin(tx, device, task, what, actor)
    return task


def _check_finished(tx: Transaction, device: Row) -> None:
    """Whether nothing is left to do here: no open job on it, and its service, if it has one, is active."""
    id_ = device["id"]
    jobs = allocations.asking(tx, devices.names_of(tx, id_))
    if jobs:
        raise Refused(f"job {jobs[0]['id']} is open on device {id_}", "wait until it is completed, or cancel it")
    if device["state"] == DeviceState.QUARANTINED and device["reason"] != devices.UNKNOWN:
        raise Refused(f"device {id_} is quarantined: {device['reason']}", "clear that first: GET /v1/quarantine")
    if device["state"] == DeviceState.RETIRED:
        raise Refused(f"device {id_} is retired: {device['reason']}", "hand over the device that it is now")
    upgrade = tx.one("cpe_firmware", device=id_)
    if upgrade is not None and upgrade["ended_at"] is None:
        raise Refused(f"device {id_} is being upgraded to {upgrade['version']}", "wait until that is through")
    service = None if device["service"] is None else tx.one("get_service", id=device["service"])
    if service is not None and service["state"] != ServiceState.ACTIVE:
        raise Refused(f"service {service['id']} on device {id_} is {service['state']}", "a finished one is active")


def _check_earlier(row: Row, what: HandOver) -> None:
    same = (row["url"], row["username"], row["secret"]) == (what.url, what.username, what.secret)
    if row["state"] in AWAY or (row["state"] in {HandoverState.ASKED, HandoverState.TOLD} and not same):
        word = "was handed over" if row["state"] in AWAY else "is being handed over"
        remedy = "it must inform here before it is handed over again" if row["state"] in AWAY else "cancel that task"
        raise Refused(f"device {row['device']} {word} to {row['url']}", remedy)
