"""Bearer tokens: which header presents which token, and what its scopes cover."""

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from ztpd.api.problems import Forbidden, Unauthenticated
from ztpd.api.tokens import Scope, Token, authenticate, authorize


def token(name: str, text: str, *scopes: Scope) -> Token:
    return Token(name=name, scopes=frozenset(scopes), sha256=hashlib.sha256(text.encode()).hexdigest().upper())


TOKENS = (token("crm", "s3cret", Scope.DISPATCH), token("root", "r00t", Scope.ADMIN))


@pytest.mark.parametrize("header", ["Bearer s3cret", "bearer s3cret", "Bearer  s3cret "])
def test_the_presented_token_is_found_by_its_hash(header: str) -> None:
    assert authenticate(header, TOKENS).name == "crm"


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic czNjcmV0", "s3cret", "Bearer s3cre", f"Bearer {TOKENS[0].sha256}"],
)
def test_anything_else_is_refused_with_a_challenge(header: str | None) -> None:
    with pytest.raises(Unauthenticated) as refused:
        authenticate(header, TOKENS)
    assert refused.value.headers["WWW-Authenticate"].startswith('Bearer realm="ztpd"')


@example("\udcff")  # what a header's byte 0xff arrives as
@example("\ud800")
@given(st.text(st.characters(), max_size=8).filter(lambda text: text.strip() not in {"s3cret", "r00t"}))
def test_no_other_text_passes(text: str) -> None:
    with pytest.raises(Unauthenticated):
        authenticate(f"Bearer {text}", TOKENS)


def test_a_scope_covers_itself_and_admin_covers_all() -> None:
    crm, root = TOKENS
    authorize(crm, frozenset({Scope.DISPATCH, Scope.READ}))
    for scope in Scope:
        authorize(root, frozenset({scope}))
    with pytest.raises(Forbidden, match="token crm lacks the scope billing or read") as refused:
        authorize(crm, frozenset({Scope.READ, Scope.BILLING}))
    assert 'error="insufficient_scope", scope="billing read"' in refused.value.headers["WWW-Authenticate"]


def test_a_token_needs_a_scope_and_a_hash() -> None:
    with pytest.raises(ValidationError):
        Token(name="x", scopes=frozenset(), sha256="0" * 64)
    with pytest.raises(ValidationError):
        Token(name="x", scopes=frozenset({Scope.READ}), sha256="s3cret")
