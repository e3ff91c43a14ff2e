"""Whether what a sender has proven fits the device that its Inform speaks of. Pure.

Nothing is configured on a claim: a user name, a certificate and the DeviceId must mean the same device.
"""

from dataclasses import dataclass
from urllib.parse import unquote

from ztpd.acs.device_secrets import Named, plain_names, user_names, with_upper_oui
from ztpd.domain.cpe import Doubt, Proof

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Account:
    """A user whose password was shown; ``device`` names whose it is, None for the one that all new devices share.

    ``own_scheme`` says that an operator gave it, so that its name need not be escaped as TR-069 §3.4.4 asks.
    """

    name: str
    device: str | None = None
    own_scheme: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a sender has proven: an account, and the common name of a client certificate of a trusted authority."""

    account: Account | None = None
    certificate: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """How an Inform is proven, or why it is not; ``detail`` is for operators and holds no secret."""

    proof: Proof
    doubt: Doubt | None = None
    detail: str = ""


def judge(shown: Shown, device: Named) -> Identity:
    """What is proven of this device; one thing that does not fit it outweighs all that do."""
    account, certificate = shown.account, shown.certificate
    if certificate is not None and not _certifies(certificate, device):
        return _mismatch(f"its certificate is for {clipped(certificate)}")
    if account is not None and account.device is not None:
        if not _is_of(account, device):
            return _mismatch(f"its user name {clipped(account.name)} is of {clipped(account.device)}")
        return Identity(Proof.DEVICE)
    if certificate is not None:
        return Identity(Proof.CERTIFICATE)
    if account is not None:
        return Identity(Proof.BOOTSTRAP)
    return Identity(Proof.NONE, Doubt.UNPROVEN)


def clipped(text: str) -> str:
    """What a sender chose, fit to be shown."""
    return repr(text[:_LONGEST])


def _mismatch(detail: str) -> Identity:
    return Identity(Proof.NONE, Doubt.MISMATCH, detail)


def _is_of(account: Account, device: Named) -> bool:
    assert account.device is not None
    names = {*user_names(device), *(plain_names(device) if account.own_scheme else ())}
    return with_upper_oui(account.device) in names


def _certifies(common_name: str, device: Named) -> bool:
    """Whether a certificate's CN names the device; authorities write it escaped or not, some the serial alone."""
    if not device.serial:
        return False
    if common_name == device.serial:
        return True
    return with_upper_oui(unquote(common_name)) in plain_names(device)
