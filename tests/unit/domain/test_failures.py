"""Failure codes: stable, and each with a whole sentence for whoever has to do something."""

import pytest

from ztpd.domain.failures import SENTENCES, Code, Failure

# Part of the API: a code that is renamed or lost breaks whoever reads it.
STABLE = {
    *("address-unknown", "not-serviceable", "profile-missing", "device-missing", "port-occupied"),
    *("not-seen", "wrong-serial", "wrong-port", "duplicate-serial", "duplicate-mac", "low-light", "low-signal"),
    *("element-unreachable", "element-busy", "element-rejected"),
    *("cpe-silent", "cpe-fault", "wrong-tier", "test-failed", "not-verifiable", "evidence-missing", "timeout"),
}


def test_the_codes_are_those_that_were_published() -> None:
    assert {code.value for code in Code} == STABLE


@pytest.mark.parametrize("code", list(Code))
def test_each_code_has_a_sentence_for_the_technician_and_another_for_the_operator(code: Code) -> None:
    technician, operator = SENTENCES[code]
    assert technician != operator
    for sentence in (technician, operator):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert len(sentence) > 30
        assert not [placeholder for placeholder in ("..", "…", "%s", "XXX") if placeholder in sentence]
    assert "{" not in technician, "a technician is told no path of the API"


def test_a_failure_describes_itself_with_what_was_found() -> None:
    described = Failure(Code.LOW_LIGHT, "ONT receives -30.0 dBm").describe()
    assert described["code"] == "low-light"
    assert described["detail"] == "ONT receives -30.0 dBm"
    assert described["technician"] == SENTENCES[Code.LOW_LIGHT].technician
    assert described["operator"] == SENTENCES[Code.LOW_LIGHT].operator
