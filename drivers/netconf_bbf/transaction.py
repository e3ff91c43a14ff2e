"""One write to the OLT: candidate, validate, confirmed commit, and everything undone when it is refused."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from lxml import etree

from drivers.errors import Busy, ElementError, Rejected, Unreachable
from drivers.netconf.session import NetconfSession
from drivers.netconf_bbf import editing
from drivers.netconf_bbf.editing import Edit
from drivers.netconf_bbf.settings import NetconfBbfSettings
from drivers.netconf_bbf.xml import Element

_CONFIRMED_COMMIT = "urn:ietf:params:netconf:capability:confirmed-commit:"
_VALIDATE = "urn:ietf:params:netconf:capability:validate:"
_CANDIDATE = "urn:ietf:params:netconf:capability:candidate:"


def offers(capabilities: frozenset[str], capability: str) -> bool:
    """Whether a hello offers a capability, in any version."""
    return any(uri.startswith(capability) for uri in capabilities)


def offers_confirmed_commit(capabilities: frozenset[str]) -> bool:
    """Whether the element takes a change back by itself unless it is confirmed (RFC 6241 §8.4)."""
    return offers(capabilities, _CONFIRMED_COMMIT)


@contextlib.asynccontextmanager
async def locked_candidate(session: NetconfSession, settings: NetconfBbfSettings) -> AsyncIterator[None]:
    """Hold the candidate's lock, starting from what runs; raises ``Busy`` when another holds it.

    Whatever was left uncommitted is discarded on the way out. The lock ends with the session when that is lost.
    """
    if not offers(await session.capabilities(), _CANDIDATE):
        raise Rejected(settings.name, "lock", "the element has no candidate datastore (RFC 6241 §8.3)")
    await session.request("lock", lambda manager: manager.lock("candidate"))
    try:
        await session.request("discard-changes", lambda manager: manager.discard_changes())
        yield
    except ElementError:
        await _undo(session)
        raise
    finally:
        if session.is_open:
            await session.request("unlock", lambda manager: manager.unlock("candidate"))


async def commit_edits(session: NetconfSession, settings: NetconfBbfSettings, edits: Sequence[Edit]) -> None:
    """Make the edits and commit them, all or none; the candidate is clean again when they are refused.

    Raises ``Rejected`` or ``Busy`` when refused and ``Unreachable`` when the outcome is unknown.
    """
    config = editing.config(edits)
    try:
        await _edit_and_commit(session, settings, config)
    except (Rejected, Busy):
        await _undo(session)
        raise


async def _edit_and_commit(session: NetconfSession, settings: NetconfBbfSettings, config: Element) -> None:
    capabilities = await session.capabilities()
    text = etree.tostring(config, encoding="unicode")
    await session.request(
        "edit-config", lambda manager: manager.edit_config(target="candidate", config=text), settings.commit_timeout_s
    )
    if offers(capabilities, _VALIDATE):
        await session.request("validate", lambda manager: manager.validate("candidate"), settings.commit_timeout_s)
    if not offers_confirmed_commit(capabilities):
        await session.request("commit", lambda manager: manager.commit(), settings.commit_timeout_s)
        return
    # If the change cuts the OLT off from us, nobody confirms and it takes the change back.
    await session.request(
        "commit",
        lambda manager: manager.commit(confirmed=True, timeout=str(settings.confirm_timeout_s)),
        settings.commit_timeout_s,
    )
    try:
        await session.request("commit", lambda manager: manager.commit(), settings.commit_timeout_s)
    except (Rejected, Busy):
        await _take_back(session, settings)
        raise


async def _take_back(session: NetconfSession, settings: NetconfBbfSettings) -> None:
    """Undo a confirmed commit whose confirmation was refused, by a word or by ending the session (RFC 6241 §8.4)."""
    try:
        await session.request("cancel-commit", lambda manager: manager.cancel_commit(), settings.commit_timeout_s)
    except ElementError:
        await session.drop()


async def _undo(session: NetconfSession) -> None:
    """Discard what is in the candidate, unless the session is gone and the element has done so itself."""
    if session.is_open:
        with contextlib.suppress(Unreachable):
            await session.request("discard-changes", lambda manager: manager.discard_changes())
