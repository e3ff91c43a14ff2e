"""Connection requests: where a CPE may be asked, the answer to its challenge, the datagram and its signature."""

import re
from contextlib import suppress
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztpd.acs.connection_request import (
    HttpPlace,
    NotCallable,
    Secret,
    UdpPlace,
    datagram,
    http_place,
    refusal,
    udp_place,
)
from ztpd.acs.digest_client import NoAnswer, authorization
from ztpd.domain.waking import WakingPace

MUFASA = Secret("Mufasa", "Circle Of Life")
MUFASA_7616 = Secret("Mufasa", "Circle of Life")


class TestWhere:
    @pytest.mark.parametrize(
        ("url", "place"),
        [
            ("http://192.0.2.7:7547/tr069", HttpPlace("http", ip_address("192.0.2.7"), 7547, "/tr069")),
            ("http://192.0.2.7", HttpPlace("http", ip_address("192.0.2.7"), 80, "/")),
            ("https://192.0.2.7/a?b=%2F", HttpPlace("https", ip_address("192.0.2.7"), 443, "/a?b=%2F")),
            ("HTTP://[2001:db8::7]:30005/x", HttpPlace("http", ip_address("2001:db8::7"), 30005, "/x")),
            ("http://[::ffff:192.0.2.7]:1/", HttpPlace("http", ip_address("192.0.2.7"), 1, "/")),
        ],
    )
    def test_a_url_leads_to_an_address_a_port_and_a_target(self, url: str, place: HttpPlace) -> None:
        assert http_place(url) == place

    def test_the_url_that_is_called_is_what_was_checked(self) -> None:
        assert http_place("http://[::ffff:192.0.2.7]:99/x#y").url == "http://192.0.2.7:99/x"
        assert http_place("https://[2001:db8::7]/x").url == "https://[2001:db8::7]:443/x"

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("", "told no"),
            ("http://cpe.example.net:7547/", "no IP address"),
            ("http://127.1/", "no IP address"),
            ("http://0x7f000001/", "no IP address"),
            ("http://[fe80::1%25eth0]/", "no IP address"),
            ("http:///x", "no IP address"),
            ("ftp://192.0.2.7/", "neither http nor https"),
            ("file:///etc/passwd", "neither http nor https"),
            ("192.0.2.7:7547/x", "neither http nor https"),
            ("http://192.0.2.7@10.0.0.1/", "user name"),
            ("http://192.0.2.7:0/", "port 0"),
            ("http://192.0.2.7:65536/", "no URL"),
            ("http://192.0.2.7:x/", "no URL"),
            ("http://[2001:db8::7/", "no URL"),
            ("http://192.0.2.7/a b", "characters"),
            ("http://192.0.2.7/\r\nHost: x", "characters"),
            ("http://192.0.2.7/\N{LATIN SMALL LETTER E WITH ACUTE}", "characters"),
        ],
    )
    def test_any_other_url_is_refused_with_a_reason(self, url: str, why: str) -> None:
        with pytest.raises(NotCallable, match=why):
            http_place(url)

    @given(st.text(max_size=300))
    def test_no_text_raises_anything_else(self, text: str) -> None:
        for read in (http_place, udp_place):
            with suppress(NotCallable):
                assert read(text).port >= 1

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("192.0.2.7:3478", UdpPlace(ip_address("192.0.2.7"), 3478)),
            ("192.0.2.7", UdpPlace(ip_address("192.0.2.7"), 80)),
            ("[2001:db8::7]:99", UdpPlace(ip_address("2001:db8::7"), 99)),
        ],
    )
    def test_a_udp_address_without_port_means_port_80(self, text: str, place: UdpPlace) -> None:
        assert udp_place(text) == place

    @pytest.mark.parametrize("text", ["", ":80", "192.0.2.7:0", "192.0.2.7:99999", "name:80", "192.0.2.7:x"])
    def test_what_is_no_udp_address_is_refused(self, text: str) -> None:
        with pytest.raises(NotCallable):
            udp_place(text)

    @pytest.mark.parametrize(
        ("address", "informed_from", "networks", "allowed"),
        [
            ("192.0.2.7", "192.0.2.7", [], True),
            ("192.0.2.7", "::ffff:192.0.2.7", [], True),
            ("2001:db8::7", "2001:0db8:0:0:0:0:0:7", [], True),
            ("192.0.2.8", "192.0.2.7", [], False),
            ("192.0.2.8", "192.0.2.7", ["192.0.2.0/24"], True),
            ("198.51.100.1", "192.0.2.7", ["192.0.2.0/24", "2001:db8::/32"], False),
            ("169.254.169.254", "192.0.2.7", [], False),
            ("127.0.0.1", "127.0.0.1", [], False),
            ("::1", "::1", [], False),
            ("127.0.0.1", "127.0.0.1", ["127.0.0.0/8"], True),
            ("0.0.0.0", "0.0.0.0", [], False),
            ("192.0.2.7", "", [], False),
        ],
    )
    def test_it_is_asked_where_it_informs_from_or_in_a_network_that_was_named(
        self, address: str, informed_from: str, networks: list[str], allowed: bool
    ) -> None:
        why = refusal(ip_address(address), informed_from, [ip_network(each) for each in networks])
        assert (why is None) == allowed
        assert allowed or address in str(why)


class TestDatagram:
    """The values are those of TR-069 Annex G's example; the signature was computed by openssl 3 (dgst -sha1 -hmac)."""

    def test_it_says_who_when_and_proves_it(self) -> None:
        request = datagram(
            UdpPlace(ip_address("10.1.1.1"), 8080), Secret("CPE57689", "password"), 1120673700, 1234, "XTGRWIPC6D3IPXS3"
        )
        line, *headers = request.decode().split("\r\n")
        assert line == (
            "GET http://10.1.1.1:8080?ts=1120673700&id=1234&un=CPE57689&cn=XTGRWIPC6D3IPXS3"
            "&sig=F749EE6D9E3BC469FB709EAD2A75EE7535F58552 HTTP/1.1"
        )
        assert headers == ["Host: 10.1.1.1:8080", "Content-Length: 0", "", ""]

    def test_a_user_with_signs_of_its_own_cannot_add_to_the_request(self) -> None:
        request = datagram(UdpPlace(ip_address("2001:db8::7"), 80), Secret("a&b =\r\n\u00e9", "p"), 1, 2, "3")
        assert request.startswith(b"GET http://[2001:db8::7]:80?ts=1&id=2&un=a%26b%20%3D%0D%0A%C3%A9&cn=3&sig=")
        assert request.count(b"\r\n") == 4


def answered(header: str, *others: str, secret: Secret = MUFASA, target: str = "/dir/index.html") -> dict[str, str]:
    """The parameters of the answer."""
    cnonce = "0a4f113b" if secret is MUFASA else "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    answer = authorization([header, *others], secret, target, cnonce)
    assert answer.startswith("Digest ")
    return {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^",]+))', answer)}


RFC2617 = 'realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
RFC7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


class TestDigest:
    def test_the_worked_example_of_rfc_2617(self) -> None:
        answer = answered(f'Digest {RFC2617}, qop="auth,auth-int", opaque="5ccc069c403ebaf9f0171e9517f40e41"')
        assert answer["response"] == "6629fae49393a05397450978507c4ef1"
        assert (answer["nc"], answer["qop"], answer["cnonce"]) == ("00000001", "auth", "0a4f113b")
        assert answer["opaque"] == "5ccc069c403ebaf9f0171e9517f40e41"
        assert "algorithm" not in answer, "old CPEs refuse what they did not offer"

    @pytest.mark.parametrize(
        ("algorithm", "response"),
        [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ],
    )
    def test_the_worked_examples_of_rfc_7616(self, algorithm: str, response: str) -> None:
        answer = answered(RFC7616.format(algorithm), secret=MUFASA_7616)
        assert (answer["response"], answer["algorithm"]) == (response, algorithm)

    @pytest.mark.parametrize(
        ("offered", "response"),
        [
            # Each by openssl 3: md5 of md5(A1) : nonce [: nc : cnonce : qop] : md5(A2).
            (f"Digest {RFC2617}", "670fd8c2df070c60b045671b8b24ff02"),
            (f'Digest {RFC2617}, qop="auth-int"', "5e6610ecf9ba3017a4870ad48e3ad30b"),
            (f'Digest {RFC2617}, qop="auth", algorithm=MD5-sess', "8e3825c57e897f5a0dec6c2d4e5059d0"),
        ],
    )
    def test_what_older_cpes_offer(self, offered: str, response: str) -> None:
        assert answered(offered)["response"] == response

    def test_the_strongest_of_several_is_answered_however_they_are_written(self) -> None:
        weak, strong = RFC7616.format("MD5"), RFC7616.format("SHA-256")
        for headers in ([weak, strong], [f"{weak}, {strong}"], [f'Basic realm="a, Digest b", {weak}', strong]):
            assert answered(headers[0], *headers[1:], secret=MUFASA_7616)["algorithm"] == "SHA-256"
        assert answered(f"{RFC7616.format('SHA-512-256')}, {weak}", secret=MUFASA_7616)["algorithm"] == "MD5"

    def test_a_quote_in_a_realm_stays_inside_it(self) -> None:
        answer = authorization([r'Digest realm="a\"b\\", nonce="n"'], MUFASA, "/", "c")
        assert r'realm="a\"b\\", nonce="n"' in answer

    @pytest.mark.parametrize(
        ("headers", "why"),
        [
            ([], "does not say how"),
            (["Negotiate"], "does not say how"),
            (['Digest realm="x"'], "does not say how"),
            (['Digest realm="x", nonce="y", algorithm=SHA-3'], "kind that we do not know"),
            (['Basic realm="x"'], "clear text"),
        ],
    )
    def test_what_cannot_be_answered_is_told_and_no_password_shown(self, headers: list[str], why: str) -> None:
        with pytest.raises(NoAnswer, match=why):
            authorization(headers, MUFASA, "/", "c")

    @given(st.lists(st.text(max_size=200), max_size=3))
    def test_no_challenge_raises_anything_else(self, headers: list[str]) -> None:
        with suppress(NoAnswer):
            authorization([*headers, *(f"Digest {each}" for each in headers)], MUFASA, "/", "c")


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [WakingPace(5, 300).pause(tries).total_seconds() for tries in (1, 2, 3, 6, 7, 8, 10_000)]
    assert pauses == [5, 10, 20, 160, 300, 300, 300]


def test_secrets_are_not_shown() -> None:
    assert "Circle" not in repr(MUFASA)
