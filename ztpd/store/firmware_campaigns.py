"""Campaigns: all that one firmware rule asks of a fleet. What holds for all its CPEs together is kept here.

How many are under way and how many failed is counted from the upgrades themselves; kept are only that it is stopped,
since when failures count, and when its CPEs were asked to inform last.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from ztpd.domain import firmware
from ztpd.domain.firmware import CampaignStanding, FirmwareRule
from ztpd.store.quarantine import audit
from ztpd.store.times import to_text
from ztpd.store.transaction import Refused, Row, Transaction, Unknown

BETWEEN_WAKINGS = timedelta(seconds=10)
"""How long CPEs that were asked to inform have to come before more are: as many come as there is room for."""


def standing(tx: Transaction, rule: FirmwareRule, retry_at: datetime | None = None) -> CampaignStanding:
    """How a campaign stands for a CPE that is not to be tried again before ``retry_at``."""
    under_way = tx.one("firmware_under_way", campaign=rule.name)
    return CampaignStanding(_is_stopped(_row(tx, rule)), 0 if under_way is None else under_way["cpes"], retry_at)


def failed(tx: Transaction, upgrade: Row, fault: str) -> None:
    """Stop the campaign of an upgrade that failed if it is one too many."""
    rule = _rules(tx).get(upgrade["campaign"])
    if rule is None or rule.version != upgrade["version"]:
        return
    campaign = _row(tx, rule)
    if _is_stopped(campaign):
        return
    since = "" if campaign is None else campaign["counted_from"]
    counted = tx.one("firmware_failures", campaign=rule.name, version=rule.version, since=since)
    if counted is None or counted["cpes"] < rule.stop_after:
        return
    reason = f"{counted['cpes']} CPEs failed, the last because {fault}"
    tx.run("stop_firmware", name=rule.name, version=rule.version, reason=reason, now=tx.now_text)
    facts = {"campaign": rule.name, "version": rule.version, "failed": counted["cpes"], "reason": reason}
    tx.tell_of_service(upgrade["service"], "firmware.stopped", **facts)


def stop(tx: Transaction, name: str, actor: str) -> None:
    """Begin no more upgrades of a campaign; those under way go on. Raises ``Unknown`` and ``Refused``."""
    rule = _rule(tx, name)
    if _is_stopped(_row(tx, rule)):
        raise Refused(f"firmware {name} {rule.version} is stopped already", "nothing has to be stopped")
    tx.run("stop_firmware", name=name, version=rule.version, reason=f"stopped by {actor}", now=tx.now_text)
    audit(tx, actor, "firmware.stop", f"firmware/{name}", version=rule.version)


def resume(tx: Transaction, name: str, actor: str) -> None:
    """Have a stopped campaign go on; what failed so far counts no more. Raises ``Unknown`` and ``Refused``."""
    rule = _rule(tx, name)
    row = _row(tx, rule)
    if row is None or not _is_stopped(row):
        raise Refused(f"firmware {name} {rule.version} is not stopped", "nothing has to be resumed")
    tx.run("resume_firmware", name=name, version=rule.version, actor=actor, now=tx.now_text)
    audit(tx, actor, "firmware.resume", f"firmware/{name}", version=rule.version, stopped_for=row["reason"])


def cpes_to_wake(tx: Transaction) -> list[Row]:
    """CPEs that are asked to inform now so that they can be upgraded: as many as their campaigns have room for."""
    return [cpe for rule in _rules(tx).values() for cpe in _cpes_of(tx, rule)]


def _cpes_of(tx: Transaction, rule: FirmwareRule) -> list[Row]:
    row, stands = _row(tx, rule), standing(tx, rule)
    room = rule.at_once - stands.under_way
    if stands.stopped or room <= 0 or not rule.is_open(tx.now):
        return []
    if row is not None and row["woken_at"] is not None and row["woken_at"] > to_text(tx.now - BETWEEN_WAKINGS):
        return []
    tx.run("wake_firmware", name=rule.name, version=rule.version, now=tx.now_text)
    return tx.all("cpes_behind", campaign=rule.name, version=rule.version, now=tx.now_text, limit=room)


def _row(tx: Transaction, rule: FirmwareRule) -> Row | None:
    return tx.one("firmware_campaign", name=rule.name, version=rule.version)


def _is_stopped(row: Row | None) -> bool:
    return row is not None and row["stopped_at"] is not None


def _rule(tx: Transaction, name: str) -> FirmwareRule:
    rule = _rules(tx).get(name)
    if rule is None:
        raise Unknown("firmware", name)
    return rule


def _rules(tx: Transaction) -> Mapping[str, FirmwareRule]:
    return firmware.campaigns(rule for profile in tx.profiles.values() for rule in profile.firmware)
