"""What an rpc-error tells to do: retry later, stop, or mind somebody else's configuration."""

import pytest
from lxml import etree

from drivers.errors import Busy, Conflict, ElementError, Rejected
from drivers.netconf.refusal import raise_for

NETCONF = "urn:ietf:params:xml:ns:netconf:base:1.0"


def reply(*errors: str) -> etree._Element:
    return etree.fromstring(
        f'<rpc-reply xmlns="{NETCONF}">{"".join(f"<rpc-error>{e}</rpc-error>" for e in errors)}</rpc-reply>'
    )


def error(tag: str, severity: str | None = "error") -> str:
    said = "" if severity is None else f"<error-severity>{severity}</error-severity>"
    return f"<error-tag>{tag}</error-tag>{said}"


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("lock-denied", Busy),
        ("in-use", Busy),
        ("resource-denied", Busy),
        ("data-exists", Conflict),
        ("operation-failed", Rejected),
        ("access-denied", Rejected),
        ("data-missing", Rejected),
        ("of-a-vendor", Rejected),
    ],
)
def test_the_tag_decides_the_class(tag: str, kind: type[ElementError]) -> None:
    with pytest.raises(ElementError) as caught:
        raise_for(reply(error(tag)), "olt-1", "commit")

    assert type(caught.value) is kind
    assert (caught.value.element, caught.value.operation, caught.value.tag) == ("olt-1", "commit", tag)


def test_the_answer_holds_what_the_element_said() -> None:
    said = (
        error("lock-denied")
        + "<error-path>/interfaces/interface[name='x']</error-path><error-message>locked</error-message>"
        + "<error-info><session-id>42</session-id></error-info>"
    )

    with pytest.raises(Busy, match=r"olt-1: lock: lock-denied: locked \(session 42\) at /interfaces") as caught:
        raise_for(reply(said), "olt-1", "lock")

    assert caught.value.path == "/interfaces/interface[name='x']"


def test_warnings_pass_and_an_error_behind_them_does_not() -> None:
    raise_for(reply(error("operation-failed", "warning")), "olt-1", "commit")
    with pytest.raises(Busy):
        raise_for(reply(error("operation-failed", "warning"), error("in-use")), "olt-1", "commit")


@pytest.mark.parametrize("said", ["", error("operation-failed", None)])
def test_an_error_that_says_little_is_still_an_error(said: str) -> None:
    with pytest.raises(Rejected, match="operation-failed: no message"):
        raise_for(reply(said), "olt-1", "commit")


def test_a_reply_without_error_passes() -> None:
    raise_for(etree.fromstring(f'<rpc-reply xmlns="{NETCONF}"><ok/></rpc-reply>'), "olt-1", "commit")
