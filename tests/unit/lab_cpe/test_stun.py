"""The lab CPE's STUN, against the server that ztpd has and against bytes that nobody means."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from ztpd.acs import stun as server
from ztpd.lab.cpe.requests import stamp_of
from ztpd.lab.cpe.stun import Mapped, Refused, binding_request, read_answer

SOURCE = ("192.0.2.1", 32853)
TRANSACTION = bytes(range(16))
USER, PASSWORD = "00259E-LAB-S1", "stun-sentinel"


def answered(request: bytes, bound: server.Endpoint | None = None) -> tuple[bytes, Mapped | Refused] | None:
    return read_answer(server.respond(request, SOURCE, {USER: PASSWORD}.get, lambda user: bound).answer)


def test_a_server_that_knows_nobody_tells_the_address() -> None:
    assert answered(binding_request(TRANSACTION)) == (TRANSACTION, Mapped(SOURCE))


def test_a_user_whom_it_knows_must_sign() -> None:
    assert answered(binding_request(TRANSACTION, USER)) == (TRANSACTION, Refused(401))
    assert answered(binding_request(TRANSACTION, USER, PASSWORD, changed=True)) == (TRANSACTION, Mapped(SOURCE))
    assert answered(binding_request(TRANSACTION, USER, "guess")) == (TRANSACTION, Refused(431))
    assert answered(binding_request(TRANSACTION, USER), bound=SOURCE) == (TRANSACTION, Mapped(SOURCE))


def test_a_changed_binding_says_so_and_is_one_for_connection_requests() -> None:
    for changed in (False, True):
        request = server.parse(binding_request(TRANSACTION, USER, PASSWORD, changed=changed))
        assert request.for_connection_requests
        assert request.username == USER
        assert (server.Kind.BINDING_CHANGE in request.attributes) == changed


@given(st.binary(max_size=600))
def test_bytes_that_nobody_means_are_nothing(data: bytes) -> None:
    whole = [struct.pack("!HH", kind, len(data)) + TRANSACTION + data for kind in (0x0101, 0x0111)]
    for made in (data, *whole):
        answer = read_answer(made)
        assert answer is None or isinstance(answer[1], Mapped | Refused)
    assert stamp_of(data, "user", "password") is None


def test_an_error_without_a_code_is_one() -> None:
    cut = struct.pack("!HH", 0x0111, 4) + TRANSACTION + struct.pack("!HH", 9, 0)
    assert read_answer(cut) == (TRANSACTION, Refused(0))
