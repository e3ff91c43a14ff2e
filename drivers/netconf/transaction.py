"""One write to an element: through its candidate where it has one, else on what runs; undone when it is refused.

With a candidate the change is validated and confirmed (RFC 6241 §8.3, §8.4, §8.6), and taken back when its
confirmation is refused. Without one it is made on the running datastore (§8.2), all or none where the element rolls
back on an error (§8.5).
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from lxml import etree

from drivers.errors import Busy, ElementError, Rejected, Unreachable
from drivers.netconf.session import NetconfSession
from drivers.netconf.xml import Element

_CAPABILITY = "urn:ietf:params:netconf:capability:"


class WriteSettings(Protocol):
    """How long an element may take over a write, and how long it waits for a commit to be confirmed."""

    @property
    def name(self) -> str:
        """The element."""
        ...

    @property
    def commit_timeout_s(self) -> float:
        """How long one RPC of a write may take."""
        ...

    @property
    def confirm_timeout_s(self) -> int:
        """After how long the element takes back what was not confirmed."""
        ...


@dataclass(frozen=True, slots=True)
class Offer:
    """What an element's hello says about writing."""

    candidate: bool
    writable_running: bool
    rollback_on_error: bool
    validate: bool
    confirmed_commit: bool
    startup: bool

    @property
    def all_or_none(self) -> bool:
        """Whether a refused write leaves nothing of it behind."""
        return self.candidate or self.rollback_on_error

    @property
    def takes_back(self) -> bool:
        """Whether a change that cuts the element off from us is taken back by itself."""
        return self.candidate and self.confirmed_commit


def offers(capabilities: frozenset[str], name: str) -> bool:
    """Whether a hello offers a capability (``candidate``), in any version."""
    return any(uri.startswith(f"{_CAPABILITY}{name}:") for uri in capabilities)


def offered(capabilities: frozenset[str]) -> Offer:
    """What a hello says about writing."""
    return Offer(
        candidate=offers(capabilities, "candidate"),
        writable_running=offers(capabilities, "writable-running"),
        rollback_on_error=offers(capabilities, "rollback-on-error"),
        validate=offers(capabilities, "validate"),
        confirmed_commit=offers(capabilities, "confirmed-commit"),
        startup=offers(capabilities, "startup"),
    )


@contextlib.asynccontextmanager
async def locked(
    session: NetconfSession, settings: WriteSettings, *, candidate_only: bool = False
) -> AsyncIterator["Write"]:
    """Hold the lock of the datastore that is written to; raises ``Busy`` when another holds it.

    What was left uncommitted in a candidate is discarded on the way in and out. The lock ends with the session when
    that is lost. Raises ``Rejected`` for an element that cannot be written to, or only by way of what runs where
    ``candidate_only`` is asked for.
    """
    offer = offered(await session.capabilities())
    if candidate_only and not offer.candidate:
        raise Rejected(settings.name, "lock", "the element has no candidate datastore (RFC 6241 §8.3)")
    if not (offer.candidate or offer.writable_running):
        answer = "the element has neither a candidate nor a writable running datastore (RFC 6241 §8.2, §8.3)"
        raise Rejected(settings.name, "lock", answer)
    write = Write(session, settings, offer)
    await session.request("lock", lambda manager: manager.lock(write.target))
    try:
        await write.discard()
        yield write
    except ElementError:
        await write.undo()
        raise
    finally:
        if session.is_open:
            await session.request("unlock", lambda manager: manager.unlock(write.target))


async def save(session: NetconfSession, settings: WriteSettings) -> None:
    """Copy what runs to what the element starts with, where these are two (RFC 6241 §8.7)."""
    if not offered(await session.capabilities()).startup:
        return
    await session.request(
        "copy-config",
        lambda manager: manager.copy_config(source="running", target="startup"),
        settings.commit_timeout_s,
    )


class Write:
    """Writes to a datastore that is locked."""

    def __init__(self, session: NetconfSession, settings: WriteSettings, offer: Offer) -> None:
        self.offer = offer
        self.target = "candidate" if offer.candidate else "running"
        self._session = session
        self._settings = settings

    async def make(self, config: Element) -> None:
        """Make the edits of a ``<config>`` true; with ``Offer.all_or_none`` all or none of them.

        Raises ``Rejected`` or ``Busy`` when they are refused, and ``Unreachable`` when the outcome is unknown.
        """
        try:
            await self._edit(etree.tostring(config, encoding="unicode"))
            if self.offer.candidate:
                await self._commit()
        except (Rejected, Busy):
            await self.undo()
            raise

    async def discard(self) -> None:
        """Make a candidate what runs; nothing where there is none."""
        if self.offer.candidate:
            await self._session.request("discard-changes", lambda manager: manager.discard_changes())

    async def undo(self) -> None:
        """Discard what is in the candidate, unless the session is gone and the element has done so itself."""
        if self._session.is_open:
            with contextlib.suppress(Unreachable):
                await self.discard()

    async def _edit(self, text: str) -> None:
        offer, timeout_s = self.offer, self._settings.commit_timeout_s
        options: dict[str, str] = {}
        if not offer.candidate:
            options |= {"error_option": "rollback-on-error"} if offer.rollback_on_error else {}
            options |= {"test_option": "test-then-set"} if offer.validate else {}
        await self._session.request(
            "edit-config", lambda manager: manager.edit_config(text, target=self.target, **options), timeout_s
        )

    async def _commit(self) -> None:
        offer, timeout_s = self.offer, self._settings.commit_timeout_s
        if offer.validate:
            await self._session.request("validate", lambda manager: manager.validate("candidate"), timeout_s)
        if not offer.confirmed_commit:
            await self._confirm()
            return
        # If the change cuts the element off from us, nobody confirms and it takes the change back.
        within = str(self._settings.confirm_timeout_s)
        await self._session.request("commit", lambda manager: manager.commit(confirmed=True, timeout=within), timeout_s)
        try:
            await self._confirm()
        except (Rejected, Busy):
            await self._take_back()
            raise

    async def _confirm(self) -> None:
        await self._session.request("commit", lambda manager: manager.commit(), self._settings.commit_timeout_s)

    async def _take_back(self) -> None:
        """Undo what was not confirmed, by a word or by ending the session (RFC 6241 §8.4)."""
        timeout_s = self._settings.commit_timeout_s
        try:
            await self._session.request("cancel-commit", lambda manager: manager.cancel_commit(), timeout_s)
        except ElementError:
            await self._session.drop()
