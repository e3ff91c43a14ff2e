"""Candidate, locks and confirmed commit (RFC 6241 §7.5, §8.3, §8.4)."""

from collections.abc import Callable

import pytest

from tests.unit.lab_olt.trees import plain, tree
from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.olt.datastores import Datastores

PROFILES = "<gem:xpongemtcont><gem:traffic-descriptor-profiles>{}</gem:traffic-descriptor-profiles></gem:xpongemtcont>"
PROFILE = (
    "<gem:traffic-descriptor-profile><gem:name>{}</gem:name><gem:maximum-bandwidth>1</gem:maximum-bandwidth>"
    "</gem:traffic-descriptor-profile>"
)
ONE, TWO = 1, 2


class Fixture:
    def __init__(self) -> None:
        self.changes = 0
        self.stores = Datastores(tree(""), self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def edit(self, name: str, session: int = ONE) -> None:
        self.stores.edit_candidate(tree(PROFILES.format(PROFILE.format(name))), "merge", session)

    def running(self) -> list[str]:
        return [name.text or "" for name in self.stores.config.iter("{*}name")]


@pytest.fixture
def at() -> Fixture:
    return Fixture()


def test_an_edit_runs_once_it_is_committed(at: Fixture) -> None:
    at.edit("a")
    assert (at.running(), at.changes) == ([], 0)

    at.stores.commit(ONE)
    at.stores.commit(ONE)

    assert (at.running(), at.changes) == (["a"], 1)


def test_discarded_edits_are_gone(at: Fixture) -> None:
    at.edit("a")
    at.stores.discard(ONE)
    at.stores.commit(ONE)

    assert (at.running(), at.changes) == ([], 0)


def test_a_lock_keeps_others_from_editing_and_committing(at: Fixture) -> None:
    at.stores.lock("candidate", ONE)
    at.edit("a", ONE)

    attempts: list[Callable[[], None]] = [
        lambda: at.edit("b", TWO),
        lambda: at.stores.discard(TWO),
        lambda: at.stores.commit(TWO),
    ]
    for attempt in attempts:
        with pytest.raises(RpcError) as caught:
            attempt()
        assert caught.value.tag == "in-use"
    with pytest.raises(RpcError) as denied:
        at.stores.lock("candidate", TWO)
    assert (denied.value.tag, denied.value.info) == ("lock-denied", (("session-id", "1"),))
    with pytest.raises(RpcError, match="does not hold"):
        at.stores.unlock("candidate", TWO)

    at.stores.commit(ONE)
    at.stores.unlock("candidate", ONE)
    at.stores.lock("candidate", TWO)
    assert at.running() == ["a"]


def test_a_candidate_with_edits_cannot_be_locked(at: Fixture) -> None:
    at.edit("a", ONE)

    with pytest.raises(RpcError) as caught:
        at.stores.lock("candidate", TWO)

    assert (caught.value.tag, caught.value.info) == ("lock-denied", (("session-id", "0"),))


def test_a_confirmed_commit_is_taken_back_when_nobody_confirms(at: Fixture) -> None:
    at.edit("a")
    at.stores.commit_confirmed(ONE, None)
    assert at.running() == ["a"]

    at.stores.roll_back()
    at.stores.roll_back()

    assert (at.running(), at.changes) == ([], 2)
    assert plain(at.stores.candidate.element()) == plain(tree(""))


def test_a_confirmed_commit_stays_when_it_is_confirmed(at: Fixture) -> None:
    at.edit("a")
    at.stores.commit_confirmed(ONE, None)
    at.stores.commit(ONE)
    at.stores.roll_back()

    assert at.running() == ["a"]


def test_a_second_confirmed_commit_goes_back_to_before_the_first(at: Fixture) -> None:
    at.edit("a")
    at.stores.commit_confirmed(ONE, None)
    at.edit("b")
    at.stores.commit_confirmed(ONE, None)
    assert at.running() == ["a", "b"]

    at.stores.roll_back()

    assert at.running() == []


@pytest.mark.parametrize(("persist", "left"), [(None, []), ("token", ["a"])])
def test_the_end_of_a_session_gives_back_all_it_held(at: Fixture, persist: str | None, left: list[str]) -> None:
    at.stores.lock("candidate", ONE)
    at.edit("a")
    at.stores.commit_confirmed(ONE, persist)
    at.edit("b")

    at.stores.end_session(ONE)

    assert at.running() == left
    at.stores.lock("candidate", TWO)
    at.stores.commit(TWO)
    assert at.running() == left, "the edits that were not committed are gone"


def test_the_end_of_another_session_changes_nothing(at: Fixture) -> None:
    at.stores.lock("candidate", ONE)
    at.edit("a")
    at.stores.commit_confirmed(ONE, None)

    at.stores.end_session(TWO)

    assert at.running() == ["a"]
    with pytest.raises(RpcError, match="locked"):
        at.stores.lock("candidate", TWO)


def test_a_datastore_that_there_is_not_is_refused(at: Fixture) -> None:
    with pytest.raises(RpcError, match="startup"):
        at.stores.read("startup")
