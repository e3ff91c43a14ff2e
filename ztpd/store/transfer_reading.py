"""What is asked of the store about transfers: campaigns and how they stand, files that CPEs sent, tokens."""

from collections.abc import Iterable, Mapping

from ztpd.domain import firmware
from ztpd.domain.cpe import CpeFacts
from ztpd.domain.firmware import FirmwareRule, Upgrade
from ztpd.domain.profile import Profile
from ztpd.store.reading import Reader, Row, Shown
from ztpd.store.transfer_grants import hash_of

LISTED = 50
"""How many CPEs of a campaign are shown, of those under way and of those that failed."""


def is_known(reader: Reader, token: str) -> bool:
    """Whether a token may stand for something; ``transfer_grants.use`` says whether it does."""
    return reader.one("cpe_grant", token=hash_of(token), now="") is not None


def upload_files(reader: Reader) -> list[str]:
    """The names of all files that CPEs sent and that are kept."""
    return [row["file"] for row in reader.all("all_cpe_uploads")]


def uploads(reader: Reader, device: int, after: int, limit: int) -> list[Shown]:
    """A page of what a device sent, oldest first."""
    return [dict(row) for row in reader.all("cpe_uploads", device=device, after=after, limit=limit)]


def upload(reader: Reader, device: int, id_: int) -> Shown | None:
    """One thing that a device sent, or None."""
    row = reader.one("cpe_upload", device=device, id=id_)
    return None if row is None else dict(row)


def campaigns(reader: Reader, profiles: Mapping[str, Profile]) -> list[Shown]:
    """Every campaign that profiles want, by name: how many CPEs it is for and how they stand."""
    rules = firmware.campaigns(rule for profile in profiles.values() for rule in profile.firmware)
    fleet = [(rule, row) for row in reader.all("firmware_fleet") if (rule := _rule_of(profiles, row)) is not None]
    return [_campaign(reader, rules[name], [row for rule, row in fleet if rule.name == name]) for name in sorted(rules)]


def _rule_of(profiles: Mapping[str, Profile], row: Row) -> FirmwareRule | None:
    profile = profiles.get(row["profile"])
    model = CpeFacts(
        row["manufacturer"], row["oui"], row["product_class"], "", hardware_version=row["hardware_version"]
    )
    return None if profile is None else firmware.rule_for(profile.firmware, model)


def _campaign(reader: Reader, rule: FirmwareRule, fleet: Iterable[Row]) -> Shown:
    running: dict[str, int] = {}
    for row in fleet:
        running[row["software_version"]] = running.get(row["software_version"], 0) + row["cpes"]
    standing = reader.one("firmware_campaign", name=rule.name, version=rule.version)
    states = reader.all("firmware_states", campaign=rule.name, version=rule.version)
    counted = dict.fromkeys((state.value for state in Upgrade), 0) | {row["state"]: row["cpes"] for row in states}
    now = reader.all("firmware_now", campaign=rule.name, limit=LISTED)
    failed = reader.all("firmware_failed", campaign=rule.name, version=rule.version, limit=LISTED)
    return {
        "name": rule.name,
        "version": rule.version,
        "source": rule.source,
        "cpes": sum(running.values()),
        "as_wanted": running.get(rule.version, 0),
        "running": [{"version": version, "cpes": cpes} for version, cpes in sorted(running.items())],
        "upgrades": counted,
        "under_way": [dict(row) for row in now],
        "failed": [dict(row) for row in failed],
        "at_once": rule.at_once,
        "stop_after": rule.stop_after,
        "stopped_at": None if standing is None else standing["stopped_at"],
        "reason": "" if standing is None else standing["reason"],
    }
