"""Running, candidate and startup configuration with locks and confirmed commit (RFC 6241 §7.5, §8.3, §8.4, §8.7)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from lxml import etree

from ztpd.lab.netconf.rpc_error import RpcError

Element = etree._Element
T = TypeVar("T")
NOBODY = 0


@dataclass(frozen=True, slots=True)
class Unconfirmed(Generic[T]):
    """A confirmed commit that nobody has confirmed yet, and what ran before it."""

    before: T
    session: int
    persist: str | None


class Datastores(Generic[T]):
    """The datastores of one element, trees of any kind; never changed in place, so that an old one can be put back.

    ``edit`` applies a ``<config>`` with a default operation to a tree, ``validate`` raises ``RpcError`` for a tree that
    is wrong, ``changed`` is called whenever running is another than before. Without ``startup`` an element starts with
    what runs.
    """

    def __init__(
        self,
        running: T,
        changed: Callable[[], None],
        edit: Callable[[T, Element, str], T],
        validate: Callable[[T], None],
        *,
        names: Collection[str] = ("running", "candidate"),
    ) -> None:
        self.running = running
        self.startup = running
        self._names = names
        self._edit = edit
        self._validate = validate
        self.unconfirmed: Unconfirmed[T] | None = None
        self._candidate = running
        self._valid = running
        self._locks: dict[str, int] = {}
        self._changed = changed

    @property
    def candidate(self) -> T:
        """The candidate as it stands."""
        return self._candidate

    def read(self, name: str) -> T:
        """The tree of a datastore; raises ``RpcError`` for one that there is not."""
        self._check_name(name)
        return {"running": self.running, "candidate": self._candidate, "startup": self.startup}[name]

    def check(self, name: str) -> None:
        """Validate a datastore; raises ``RpcError`` for the first thing that is wrong."""
        tree = self.read(name)
        if tree is not self._valid:
            self._validate(tree)
            self._valid = tree

    def lock(self, name: str, session: int) -> None:
        """Lock for a session (RFC 6241 §7.5); raises ``lock-denied`` with the holder's session-id."""
        self._check_name(name)
        holder = self._locks.get(name)
        if holder is not None:
            raise _denied(holder, f"{name} is locked")
        if name == "candidate" and self._candidate is not self.running:
            raise _denied(NOBODY, "the candidate has uncommitted changes")
        self._locks[name] = session

    def unlock(self, name: str, session: int) -> None:
        """Give a lock back; raises ``operation-failed`` when the session does not hold it."""
        self._check_name(name)
        if self._locks.get(name) != session:
            raise RpcError("operation-failed", f"this session does not hold the lock on {name}", error_type="protocol")
        del self._locks[name]

    def edit_candidate(self, config: Element, default_operation: str, session: int) -> None:
        """Change the candidate; all of it or nothing. Raises ``RpcError``."""
        self._check_free("candidate", session)
        self._candidate = self._edit(self._candidate, config, default_operation)

    def edit_running(self, config: Element, default_operation: str, session: int) -> None:
        """Change what runs at once; all of it or nothing. Raises ``RpcError``."""
        self._check_free("running", session)
        tree = self._edit(self.running, config, default_operation)
        self._validate(tree)
        self._valid = tree
        self._run(tree)

    def save(self, session: int) -> None:
        """Start with what runs, from the next restart on."""
        self._check_free("startup", session)
        self.startup = self.running

    def restart(self) -> None:
        """Run what the element starts with; locks, candidate and an unconfirmed commit are gone."""
        self._locks.clear()
        if self.unconfirmed is not None:
            self.roll_back()
        self.replace_running(self.startup if "startup" in self._names else self.running)

    def discard(self, session: int) -> None:
        """Make the candidate what runs."""
        self._check_free("candidate", session)
        self._candidate = self.running

    def commit(self, session: int) -> None:
        """Run the candidate, confirming a commit that waits for it (RFC 6241 §8.3.4.1)."""
        self._check_commit(session)
        self.unconfirmed = None
        self._run(self._candidate)

    def commit_confirmed(self, session: int, persist: str | None) -> None:
        """Run the candidate until it is confirmed or taken back."""
        self._check_commit(session)
        before = self.running if self.unconfirmed is None else self.unconfirmed.before
        self._run(self._candidate)
        self.unconfirmed = Unconfirmed(before, session, persist)

    def roll_back(self) -> None:
        """Put back what ran before the commit that was not confirmed."""
        if self.unconfirmed is None:
            return
        before, self.unconfirmed = self.unconfirmed.before, None
        self._candidate = before
        self._run(before)

    def end_session(self, session: int) -> None:
        """Release what a session held: its locks, its edits and its unconfirmed commit (RFC 6241 §8.4.1)."""
        if self._locks.get("candidate") == session:
            self._candidate = self.running
        self._locks = {name: holder for name, holder in self._locks.items() if holder != session}
        waiting = self.unconfirmed
        if waiting is not None and waiting.session == session and waiting.persist is None:
            self.roll_back()

    def replace_running(self, running: T) -> None:
        """Start over from another configuration."""
        self.unconfirmed = None
        self._candidate = self._valid = self.startup = running
        self._run(running)

    def _run(self, tree: T) -> None:
        self._candidate = tree
        if tree is not self.running:
            self.running = tree
            self._changed()

    def _check_commit(self, session: int) -> None:
        for name in ("running", "candidate"):
            self._check_free(name, session)
        self.check("candidate")

    def _check_free(self, name: str, session: int) -> None:
        holder = self._locks.get(name)
        if holder is not None and holder != session:
            info = (("session-id", str(holder)),)
            raise RpcError("in-use", f"{name} is locked by another session", error_type="protocol", info=info)

    def _check_name(self, name: str) -> None:
        if name not in self._names:
            raise RpcError("invalid-value", f"there is no datastore {name!r} here", error_type="protocol")


def _denied(holder: int, message: str) -> RpcError:
    info = (("session-id", str(holder)),)
    return RpcError("lock-denied", message, error_type="protocol", info=info)
