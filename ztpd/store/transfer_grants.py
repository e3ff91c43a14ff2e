"""One-time URLs: who may fetch or send which file under which token, and until when.

A token stands for one transfer of one device. It can be used again and again, for ranges and retries, until that
transfer is over or the time is; the address that uses it first is the only one that may. It is not held to the address
that the CPE informs from: CPEs with a VLAN for management fetch over another interface than they inform from.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from ztpd.domain.cpe import CpeWork
from ztpd.domain.cpe_tasks import Download, Upload
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Transaction

PREFIX = "/files/"
"""What the path of every one-time URL begins with; the address of the listener is put before it."""

_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for: ``file`` is a name in the folder of files, or what the upload will be called."""

    device: int
    command_key: str
    incoming: bool
    file: str
    size: int
    sha256: str


def hash_of(token: str) -> str:
    """How a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def granted(
    tx: Transaction, work: CpeWork, new_token: Callable[[], str] = lambda: secrets.token_urlsafe(24)
) -> CpeWork:
    """The work as its CPE is told it: a transfer over our own file server gets its URL, without the address.

    Asked again, as after a crash, it is another URL; those before stay good as long as the transfer is not over, for
    the CPE may be at one of them.
    """
    match work.task:
        case Download(file=str(file)) as task:
            token = new_token()
            _add(tx, work, token, "out", file, task.size, task.sha256, task.timeout_s)
            url = f"{PREFIX}{token}/{quote(file)}"
        case Upload() as task:
            token = new_token()
            _add(tx, work, token, "in", f"{work.device}-{work.id.partition('.')[0]}-{task.what}", 0, "", task.timeout_s)
            url = f"{PREFIX}{token}/{task.what}"
        case _:
            return work
    return CpeWork(work.device, work.cause, work.id, task.model_copy(update={"url": url}), work.instances)


def _add(
    tx: Transaction, work: CpeWork, token: str, direction: str, file: str, size: int, sha256: str, timeout_s: float
) -> None:
    tx.run("expire_cpe_grants", now=tx.now_text)
    expires_at = to_text(tx.now + timedelta(seconds=timeout_s) + _SLACK)
    tx.run(
        "add_cpe_grant",
        token=hash_of(token),
        device=work.device,
        command_key=work.key,
        direction=direction,
        file=file,
        size=size,
        sha256=sha256,
        expires_at=expires_at,
    )


def use(tx: Transaction, token: str, peer: str) -> Grant | None:
    """What a token stands for when this address uses it; None when it is none, is over, or is another's."""
    row = tx.one("cpe_grant", token=hash_of(token), now=tx.now_text)
    if row is None or row["peer"] not in {None, peer}:
        return None
    if row["peer"] is None:
        tx.run("bind_cpe_grant", token=row["token"], peer=peer)
    return _grant(row)


def refuse(tx: Transaction, grant: Grant, reason: str) -> None:
    """Keep why a file was not sent or not taken: what its CPE tells is no more than a number."""
    tx.run("refuse_cpe_grants", device=grant.device, command_key=grant.command_key, refused=reason)


def refusal(tx: Transaction, device: int, command_key: str) -> str:
    """Why the file of a transfer was refused last; empty when it was not."""
    row = tx.one("refused_cpe_grant", device=device, command_key=command_key)
    return "" if row is None else str(row["refused"])


def end(tx: Transaction, device: int, command_key: str) -> None:
    """A transfer is over, and so are its URLs."""
    tx.run("end_cpe_grants", device=device, command_key=command_key)


def _grant(row: Row) -> Grant:
    incoming = row["direction"] == "in"
    return Grant(row["device"], row["command_key"], incoming, row["file"], row["size"], row["sha256"])
