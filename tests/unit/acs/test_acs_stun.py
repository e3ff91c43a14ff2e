"""STUN as TR-069 Annex G uses it: what is answered, to whom, and whose binding is believed."""

import struct
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ztpd.acs import stun
from ztpd.acs.stun import Endpoint, Malformed, Outcome, Verdict
from ztpd.acs.stun_bindings import Bindings, Rates

SOURCE: Endpoint = ("192.0.2.1", 32853)
OLD = bytes(range(16))
COOKIE = bytes.fromhex("2112a442b7e7a701bc34d686fa87dfae")
USER, PASSWORD = "00259E-S1", "stun-sentinel"

# CONNECTION-REQUEST-BINDING, BINDING-CHANGE and USERNAME padded to twelve (TR-069 Annex G.2.1.2, RFC 3489 §11.2.6).
BINDING = bytes.fromhex("c001 0014 64736c666f72756d2e6f72672f54522d31313120")
CHANGED = bytes.fromhex("c002 0000")
NAMED = bytes.fromhex("0006 000c") + b"00259E-S1\0\0\0"


def request(*attributes: bytes, transaction: bytes = OLD) -> bytes:
    body = b"".join(attributes)
    return struct.pack("!HH", 1, len(body)) + transaction + body


def integrity(hex_mac: str) -> bytes:
    return bytes.fromhex("0008 0014" + hex_mac)


def respond(data: bytes, source: Endpoint = SOURCE, bound: Endpoint | None = None) -> Outcome:
    return stun.respond(data, source, {USER: PASSWORD}.get, lambda user: bound)


def error_code(answer: bytes) -> int:
    """The code of an error response that answers this transaction."""
    kind, length = struct.unpack_from("!HH", answer)
    assert (kind, length) == (0x0111, len(answer) - 20)
    assert answer[20:22] == b"\0\x09"
    return answer[26] * 100 + answer[27]


# The MAC of request(BINDING, NAMED, …) by openssl 3 (dgst -sha1 -hmac stun-sentinel), in the four ways of
# RFC 3489 and RFC 5389 and of clients that count the length in the header without MESSAGE-INTEGRITY.
MACS = {
    "rfc 5389": "5183f9f9dd633722ee8abfb11fb7158e5673981d",
    "without its own length": "0bfa33428681a78251b3a3b88e811da599788866",
    "rfc 3489": "1a2ee6371a26499876218b738ac5915267151238",
    "rfc 3489, without its own length": "4ab585210558989017dfbb5a7c4f83e189b16668",
}


class TestAnswers:
    def test_a_classic_client_is_told_its_address(self) -> None:
        outcome = respond(request())
        assert (outcome.verdict, outcome.to, outcome.user) == (Verdict.ANSWERED, SOURCE, "")
        # Family 1, port 32853 = 0x8055, 192.0.2.1.
        assert outcome.answer == bytes.fromhex("0101 000c") + OLD + bytes.fromhex("0001 0008 0001 8055 c0000201")

    def test_a_client_of_rfc_5389_is_told_as_in_rfc_5769(self) -> None:
        answer = respond(request(transaction=COOKIE)).answer
        assert answer == bytes.fromhex("0101 000c") + COOKIE + bytes.fromhex("0020 0008 0001 a147 e112a643")

    def test_ipv6_is_told_as_in_rfc_5769(self) -> None:
        answer = respond(request(transaction=COOKIE), ("2001:db8:1234:5678:11:2233:4455:6677", 32853)).answer
        assert answer[20:] == bytes.fromhex("0020 0014 0002 a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9")

    def test_a_cpe_with_the_cookie_is_told_in_both_ways(self) -> None:
        answer = respond(request(BINDING, transaction=COOKIE)).answer
        assert answer[20:] == bytes.fromhex("0001 0008 0001 8055 c0000201 0020 0008 0001 a147 e112a643")

    def test_the_answer_goes_to_another_port_of_the_asker_and_to_nobody_else(self) -> None:
        mine, foreign = bytes.fromhex("0002 0008 0001 04d2 c0000201"), bytes.fromhex("0002 0008 0001 04d2 c0000202")
        outcome = respond(request(mine))
        assert (outcome.to, outcome.answer[28:]) == (("192.0.2.1", 1234), bytes.fromhex("c0000201"))
        for told in (foreign, bytes.fromhex("0002 0008 0001 0000 c0000201"), bytes.fromhex("0002 0004 00010000")):
            assert respond(request(told)) == Outcome(Verdict.DROPPED, SOURCE)

    def test_a_test_of_the_nat_that_needs_a_second_address_stays_without_answer(self) -> None:
        assert respond(request(bytes.fromhex("0003 0004 00000006"))).answer == b""
        assert respond(request(bytes.fromhex("0003 0004 00000000"))).answer != b""

    def test_what_must_be_understood_and_is_not_is_named(self) -> None:
        outcome = respond(request(bytes.fromhex("0024 0004 00000000 0025 0000 0026 0000 8999 0000")))
        assert (outcome.verdict, error_code(outcome.answer)) == (Verdict.REFUSED, 420)
        assert outcome.answer[28:] == bytes.fromhex("000a 0008 0024 0025 0026 0026")


class TestBindings:
    def test_a_binding_is_not_believed_before_it_is_signed(self) -> None:
        outcome = respond(request(BINDING, CHANGED, NAMED))
        assert (outcome.verdict, outcome.user, error_code(outcome.answer)) == (Verdict.CHALLENGED, "", 401)

    @pytest.mark.parametrize("mac", MACS.values(), ids=MACS.keys())
    def test_a_signed_one_is_in_every_way_that_cpes_sign(self, mac: str) -> None:
        outcome = respond(request(BINDING, NAMED, integrity(mac)))
        assert (outcome.verdict, outcome.user) == (Verdict.BOUND, USER)
        assert outcome.answer[:-20] == bytes.fromhex("0101 0024") + OLD + bytes.fromhex(
            "0001 0008 0001 8055 c0000201 0008 0014"
        )

    def test_the_vector_of_rfc_5769_is_authentic(self) -> None:
        vector = bytes.fromhex(
            "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
            "80290008932ff9b151263b36000600096576746a3a68367659202020"
            "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
        )
        parsed = stun.parse(vector)
        assert parsed.username == "evtj:h6vY"
        assert stun.is_authentic(parsed, "VOkJxbRl1RmTxUk/WvJxBt")
        assert not stun.is_authentic(parsed, "VOkJxbRl1RmTxUk/WvJxBu")

    @pytest.mark.parametrize("at", range(20, 60))
    def test_one_changed_bit_is_not(self, at: int) -> None:
        data = bytearray(request(BINDING, NAMED, integrity(MACS["rfc 3489"])))
        data[at] ^= 1
        try:
            outcome = respond(bytes(data))
        except Malformed:
            return
        assert outcome.user == ""
        assert outcome.verdict is not Verdict.BOUND

    def test_a_wrong_signature_is_refused(self) -> None:
        outcome = respond(request(BINDING, NAMED, integrity("00" * 20)))
        assert (outcome.verdict, outcome.user, error_code(outcome.answer)) == (Verdict.REFUSED, "", 431)

    def test_what_follows_the_signature_counts_for_nothing(self) -> None:
        """The binding attribute that somebody appended was never signed."""
        mac = "77b3651c13fb022ab9c81a612aa1e818bc7323f4"
        outcome = respond(request(NAMED, integrity(mac), BINDING))
        assert (outcome.verdict, outcome.user) == (Verdict.ANSWERED, "")

    def test_a_proven_binding_is_kept_alive_without_signing_from_where_it_is(self) -> None:
        kept = respond(request(BINDING, NAMED), bound=SOURCE)
        assert (kept.verdict, kept.user) == (Verdict.ANSWERED, USER)
        moved = respond(request(BINDING, NAMED), bound=("192.0.2.1", 1))
        assert (moved.verdict, moved.user) == (Verdict.CHALLENGED, "")

    def test_a_user_of_somebody_else_is_answered_and_believed_nothing(self) -> None:
        stranger = bytes.fromhex("0006 0004") + b"else"
        for data in (request(BINDING, stranger), request(BINDING, stranger, integrity("00" * 20))):
            outcome = respond(data)
            assert (outcome.verdict, outcome.user) == (Verdict.ANSWERED, "")


class TestBounds:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            request()[:19],
            request() + b"\0",
            request(bytes.fromhex("0006 0004 6162")),
            request(bytes.fromhex("0006")),
            request(bytes.fromhex("0008 0010") + bytes(16)),
            bytes.fromhex("0101 0000") + OLD,
            bytes.fromhex("0003 0000") + OLD,
            request(bytes(4) * 200),
            b"GET / HTTP/1.1\r\n\r\n",
        ],
    )
    def test_what_is_no_binding_request_is_malformed(self, data: bytes) -> None:
        with pytest.raises(Malformed):
            respond(data)

    @given(st.binary(max_size=700))
    def test_any_bytes_are_answered_or_malformed(self, data: bytes) -> None:
        try:
            respond(data)
        except Malformed:
            return

    @example([(stun.Kind.CONNECTION_REQUEST_BINDING, b"")], COOKIE, ("2001:db8::7", 5))
    @given(
        st.lists(st.tuples(st.sampled_from([*map(int, stun.Kind), 0x24, 0x8022]), st.binary(max_size=40)), max_size=8),
        st.sampled_from([OLD, COOKIE]),
        st.sampled_from([SOURCE, ("2001:db8::7", 5)]),
    )
    def test_no_answer_is_much_longer_than_what_was_sent(
        self, attributes: list[tuple[int, bytes]], transaction: bytes, source: Endpoint
    ) -> None:
        """An asker whose address is forged gains at most one address and its header over what it sends."""
        data = stun.message(1, transaction, attributes)
        try:
            outcome = respond(data, source)
        except Malformed:
            return
        assert len(outcome.answer) <= len(data) + 24
        assert outcome.to[0] == source[0]

    def test_the_table_of_bindings_forgets_the_one_that_was_silent_longest(self) -> None:
        now = [0.0]
        bindings = Bindings(2, 60.0, lambda: now[0])
        for user in ("a", "b", "a", "c"):
            bindings.keep(user, SOURCE)
        assert (len(bindings), bindings.of("a"), bindings.of("b")) == (2, SOURCE, None)
        now[0] = 61.0
        assert bindings.of("a") is None
        assert len(bindings) == 1

    def test_an_address_is_answered_so_many_times_a_second(self) -> None:
        now = [0.0]
        rates = Rates(10.0, 3, lambda: now[0])
        assert sum(rates.allows("192.0.2.1") for _ in range(100)) == 20
        assert rates.allows("192.0.2.2")
        now[0] = 0.5
        assert sum(rates.allows("192.0.2.1") for _ in range(100)) == 5
        for number in range(10):
            rates.allows(f"198.51.100.{number}")
        assert len(rates) == 3

    def test_an_address_inside_another_is_taken_out(self) -> None:
        assert stun.unmapped(("::ffff:192.0.2.1", 5)) == ("192.0.2.1", 5)
        assert stun.unmapped(("fe80::1%eth0", 5)) == ("fe80::1", 5)

    def test_secrets_are_not_shown(self) -> None:
        parsed = stun.parse(request(NAMED, integrity("ab" * 20)))
        assert "259E" not in repr(replace(parsed, signed=b"259E"))
