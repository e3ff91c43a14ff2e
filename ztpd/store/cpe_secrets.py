"""How far a CPE is with a secret of its own: '', 'given', 'proven', or 'refused' by a CPE that does not take it.

The secret itself is derived (``Transaction.management``), so both it and the bootstrap secret are accepted until it
was shown: a kill between the CPE taking it and the commit locks nobody out.
"""

from collections.abc import Mapping

import orjson

from ztpd.domain import identity
from ztpd.domain.cpe import Cause, CpeFacts, CpeOutcome, CpeWork, Doubt, Proof
from ztpd.domain.cpe_tasks import Configure
from ztpd.domain.identity import Kind
from ztpd.domain.profile import Value
from ztpd.domain.sighting import Presence, Sighting
from ztpd.store import quarantine
from ztpd.store.rows import facts_of_cpe
from ztpd.store.transaction import Refused, Row, Transaction, Unknown

PASSWORD = "management.password"  # noqa: S105 the intent's name
_STUN = "management.stun."
_PARAMETERS = ("Username", "Password", "ConnectionRequestUsername", "ConnectionRequestPassword")
_LEASES = 8
_HERE = "it informs from the address that DHCP leased to this very device"


def doubt_of(tx: Transaction, sighting: Sighting, proof: Proof, *, same_place: bool) -> Doubt | None:
    """Why the secret that all share counts for nothing here: the device has shown a better one.

    With ``same_place`` it counts once more from the address that a trusted DHCP sighting ties to this very device.
    """
    if proof is not Proof.BOOTSTRAP:
        return None
    serials = (name for name in identity.names_of_sighting(sighting) if name.kind in {Kind.CWMP, Kind.PON})
    found = (tx.one("proven_cpe_named", kind=name.kind, value=name.value) for name in serials)
    proven = {cpe["device"]: cpe for cpe in found if cpe is not None}
    if not proven:
        return None
    if not same_place or not all(_is_in_its_place(tx, cpe, sighting) for cpe in proven.values()):
        return Doubt.SPENT
    for device in proven:
        _forget(tx, device, "ztpd", _HERE)
    return None


def _is_in_its_place(tx: Transaction, cpe: Row, sighting: Sighting) -> bool:
    if sighting.ip is None or cpe["leased_ip"] != sighting.ip:
        return False
    bodies = [orjson.loads(row["body"]) for row in tx.all("last_leases", device=cpe["device"], limit=_LEASES)]
    told = [body for body in bodies if body["trusted"] and body.get("ip") is not None]
    # Only the newest counts: an address given back, or another one, is not its place any more.
    return bool(told) and told[0]["ip"] == sighting.ip and told[0]["presence"] == Presence.PRESENT


def allow_bootstrap(tx: Transaction, device: int, reason: str, actor: str) -> None:
    """Let a CPE come with the bootstrap secret once more, until it shows its own again; audited.

    Raises ``Unknown``, and ``Refused`` for one that needs no leave.
    """
    cpe = tx.one("get_cpe", device=device)
    if cpe is None:
        raise Unknown("CPE with the device id", str(device))
    if cpe["secret"] in {"", "given"} and cpe["proof"] != Proof.CERTIFICATE:
        raise Refused(
            f"device {device} has not shown a secret of its own yet",
            "it may come with the bootstrap secret as it is; look at what it was heard with",
        )
    _forget(tx, device, actor, reason)


def _forget(tx: Transaction, device: int, actor: str, reason: str) -> None:
    tx.run("forget_cpe_proof", device=device)
    quarantine.audit(tx, actor, "device.rebootstrap", f"device/{device}", reason=reason)


def with_secrets(tx: Transaction, cpe: Row, facts: CpeFacts, wanted: Mapping[str, Value]) -> dict[str, Value]:
    """What a job wants of a CPE, and the secrets that it still lacks.

    A profile that sets any of them itself keeps all of them. A STUN user is given where STUN is wanted.
    """
    ours = dict(_lacking(tx, cpe, facts))
    stun = {name: value for name, value in tx.management(facts).items() if name.startswith(_STUN)}
    ours = {name: value for name, value in ours.items() if name not in stun}
    if ours.keys() & wanted.keys():
        ours = {}
    if wanted.get(f"{_STUN}enable") is True and not stun.keys() & wanted.keys():
        ours |= stun
    return {**ours, **wanted}


def _lacking(tx: Transaction, cpe: Row, facts: CpeFacts) -> Mapping[str, Value]:
    how_far = cpe["secret"]
    # One that comes with the shared secret again has lost its own, unless it was given that in this very session. One
    # with a certificate need not show the secret.
    enough = cpe["secret_at"] >= cpe["informed_at"] or cpe["proof"] == Proof.CERTIFICATE
    return {} if how_far in {"proven", "refused"} or (how_far == "given" and enough) else tx.management(facts)


def wanted(tx: Transaction, cpe: Row, facts: CpeFacts) -> CpeWork | None:
    """What gives a CPE of an active service its secrets, where no job does."""
    lacking = {name: value for name, value in _lacking(tx, cpe, facts).items() if not name.startswith(_STUN)}
    service = tx.one("service_of_device", device=cpe["device"]) if lacking else None
    if service is None or service["state"] not in {"active", "suspended"}:
        return None
    return CpeWork(cpe["device"], Cause.SECRET, str(cpe["device"]), Configure(values=lacking))


def follow(tx: Transaction, work: CpeWork, outcome: CpeOutcome, cpe: Row) -> bool:
    """Keep that a CPE has taken its secret, or that it will not; whether it was one of the two."""
    if not isinstance(work.task, Configure) or cpe["secret"] not in {"", "given"}:
        return False
    ours = tx.management(facts_of_cpe(cpe)).get(PASSWORD)
    if ours is None or work.task.values.get(PASSWORD) != ours:
        return False
    refused = outcome.fault is not None and _is_of_ours(outcome.fault.parameter)
    if outcome.ok or refused:
        _set(tx, work.device, "given" if outcome.ok else "refused")
    return outcome.ok or refused


def ended(tx: Transaction, work: CpeWork, outcome: CpeOutcome) -> None:
    """A CPE that cannot be given a secret is not tried again at every Inform; that it was given is kept already."""
    if not outcome.ok:
        _set(tx, work.device, "refused")


def _set(tx: Transaction, device: int, secret: str) -> None:
    tx.run("set_cpe_secret", device=device, secret=secret, now=tx.now_text)


def _is_of_ours(parameter: str | None) -> bool:
    head, _, name = (parameter or "").rpartition(".")
    return head.endswith("ManagementServer") and name in _PARAMETERS
