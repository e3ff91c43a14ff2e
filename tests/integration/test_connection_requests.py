"""Asking CPEs to inform on loopback sockets: those that behave, those that do not, and those behind NAT."""

import asyncio
import hmac
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.cpe_endpoint import Answer, endless_header, endpoint, flood, guarded, hang, saying
from tests.unit.acs.test_acs_stun import BINDING, MACS, NAMED, PASSWORD, USER, integrity, request
from ztpd.acs import stun
from ztpd.acs.connection_caller import Caller, Reached, Told, Whom
from ztpd.acs.connection_request import Secret
from ztpd.acs.stun import Endpoint
from ztpd.acs.stun_server import StunServer, StunSettings, outgoing, stun_server

SECRET = Secret("cr-user", "cr-sentinel")
LOOPBACK = (ip_network("127.0.0.0/8"),)
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def nowhere(data: bytes, to: Endpoint) -> None:
    raise AssertionError("nothing is to be sent over UDP here")


def caller(timeout_s: float = 5.0, **how: object) -> Caller:
    given = {"networks": LOOPBACK, "send": nowhere, "binding": lambda user: None, **how}
    return Caller(timeout_s=timeout_s, now=lambda: NOW, **given)  # type: ignore[arg-type]


async def ask(url: str, udp: str = "", secret: Secret | None = SECRET, **how: object) -> Told:
    return await caller(**how).ask(Whom(url, udp, "127.0.0.1"), secret)  # type: ignore[arg-type]


class TestHttp:
    @pytest.mark.parametrize("qop", [True, False], ids=["qop", "no-qop"])
    @pytest.mark.parametrize("close", [True, False], ids=["closes", "keeps"])
    async def test_a_cpe_that_asks_who_we_are_is_told(self, qop: bool, close: bool) -> None:
        async with endpoint(guarded("cr-user", "cr-sentinel", qop=qop, close=close)) as cpe:
            assert await ask(cpe.url) == Told(Reached.ASKED, "asked to inform: HTTP 200")
        assert len(cpe.heads) == 2
        assert all(head.startswith(b"GET /cr HTTP/1.1\r\n") for head in cpe.heads)
        assert b"sentinel" not in b"".join(cpe.heads)

    @pytest.mark.parametrize(
        ("answer", "reached", "said"),
        [
            (saying(b"HTTP/1.1 204 No Content\r\n\r\n"), Reached.ASKED, "asked to inform: HTTP 204"),
            (saying(b"HTTP/1.0 200 OK\r\n\r\nhello"), Reached.ASKED, "asked to inform: HTTP 200"),
            (saying(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), Reached.BUSY, "busy: HTTP 503"),
            (guarded("cr-user", "another"), Reached.REFUSED, "refuses the user and password that we have for it"),
            (
                saying(b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'),
                Reached.REFUSED,
                "asks for the password in clear text",
            ),
            (saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), Reached.REFUSED, "HTTP 404 instead of"),
            (saying(b"SSH-2.0-dropbear\r\n"), Reached.SILENT, "gives no valid answer"),
            (endless_header, Reached.SILENT, "gives no valid answer"),
        ],
        ids=["204", "http-1.0", "busy", "401-for-ever", "basic", "404", "no-http", "endless-header"],
    )
    async def test_each_answer_is_told_in_words(self, answer: Answer, reached: Reached, said: str) -> None:
        async with endpoint(answer) as cpe:
            told = await ask(cpe.url)
        assert (told.reached, said in told.said) == (reached, True), told
        assert len(cpe.heads) <= 2, "it is asked once, and once more with a digest"
        assert b"sentinel" not in b"".join(cpe.heads)

    async def test_a_cpe_that_was_given_no_secret_is_asked_without(self) -> None:
        async with endpoint(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as cpe:
            assert (await ask(cpe.url, secret=None)).reached is Reached.ASKED
        async with endpoint(guarded("cr-user", "cr-sentinel")) as cpe:
            assert "it was given none by us" in (await ask(cpe.url, secret=None)).said

    async def test_megabytes_are_not_read(self) -> None:
        async with endpoint(flood) as cpe:
            assert await ask(cpe.url) == Told(
                Reached.REFUSED, "refuses the user and password that we have for it: HTTP 401"
            )

    async def test_a_redirect_leads_nowhere(self) -> None:
        async with endpoint(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as other:
            location = f"HTTP/1.1 302 Found\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n"
            async with endpoint(saying(location.encode())) as cpe:
                assert "HTTP 302" in (await ask(cpe.url)).said
        assert other.heads == []

    async def test_a_cpe_that_hangs_is_given_up(self) -> None:
        async with endpoint(hang) as cpe:
            assert await ask(cpe.url, timeout_s=0.1) == Told(Reached.SILENT, "does not answer: timed out after 0.1 s")

    async def test_a_port_where_nobody_listens_is_told_so(self) -> None:
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            told = await ask(f"http://127.0.0.1:{reserved.getsockname()[1]}/")
        assert told == Told(Reached.SILENT, "cannot be connected to: Connection refused")

    async def test_an_address_that_is_not_its_own_is_not_called(self) -> None:
        async with endpoint(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as cpe:
            told = await ask(cpe.url, networks=())
            assert told.reached is Reached.NOT_CALLED
            assert "acs.connection_requests.networks" in told.said
        assert cpe.heads == []


@asynccontextmanager
async def nat_socket(
    host: str = "127.0.0.1",
) -> AsyncIterator[tuple[asyncio.Queue[tuple[bytes, Endpoint]], asyncio.DatagramTransport, int]]:
    """A CPE's UDP port: what it hears, and the transport to speak by."""
    heard: asyncio.Queue[tuple[bytes, Endpoint]] = asyncio.Queue()

    class Hears(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: Endpoint) -> None:
            heard.put_nowait((data, addr))

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Hears, local_addr=(host, 0))
    try:
        yield heard, transport, transport.get_extra_info("sockname")[1]
    finally:
        transport.abort()


def check_signature(data: bytes) -> None:
    """What a CPE checks of a UDP Connection Request (Annex G.2.2.3)."""
    line = data.decode().split("\r\n")[0]
    given = {key: value for key, (value,) in parse_qs(urlsplit(line.split(" ")[1]).query).items()}
    text = given["ts"] + given["id"] + given["un"] + given["cn"]
    assert given["sig"] == hmac.new(b"cr-sentinel", text.encode(), "sha1").hexdigest().upper()
    assert (given["un"], given["ts"]) == ("cr-user", str(int(NOW.timestamp())))


class TestUdp:
    async def test_a_cpe_that_http_does_not_reach_is_asked_over_udp(self) -> None:
        async with nat_socket() as (heard, _, port), outgoing() as send:
            told = await ask("http://192.168.1.1:7547/", f"127.0.0.1:{port}", send=send)
            copies = [(await heard.get())[0] for _ in range(3)]
        assert told.reached is Reached.ASKED
        assert told.said.startswith("asked over UDP at the address that it told; over HTTP not called: 192.168.1.1")
        assert len(set(copies)) == 1
        check_signature(copies[0])

    async def test_both_ways_are_tried_where_http_is_silent(self) -> None:
        async with endpoint(hang) as cpe, nat_socket() as (heard, _, port), outgoing() as send:
            told = await ask(cpe.url, f"127.0.0.1:{port}", send=send, timeout_s=0.1)
            await heard.get()
        assert told.said == (
            "asked over UDP at the address that it told; over HTTP does not answer: timed out after 0.1 s"
        )

    async def test_where_it_may_not_be_called_nothing_is_sent(self) -> None:
        told = await ask("", "127.0.0.1:9", networks=())
        assert told.reached is Reached.NOT_CALLED
        assert told.said.startswith("over UDP not called: 127.0.0.1 is neither")
        assert "it has told no ConnectionRequestURL" in told.said

    async def test_a_family_that_the_socket_has_not_is_told(self) -> None:
        async with stun_server(StunSettings(port=0), lambda user: None) as (server, _):
            networks = (ip_network("2001:db8::/32"),)
            told = await ask("", "[2001:db8::7]:9", networks=networks, send=server.send)
        assert told.reached is Reached.NOT_CALLED
        assert told.said.startswith("over UDP not sent: Address family not supported")


@asynccontextmanager
async def serving(host: str = "127.0.0.1", **how: object) -> AsyncIterator[tuple[StunServer, Endpoint]]:
    settings = StunSettings(host=host, port=0, **how)  # type: ignore[arg-type]
    async with stun_server(settings, {USER: PASSWORD}.get) as found:
        yield found


class TestStunServer:
    async def test_a_cpe_learns_its_binding_proves_it_and_is_asked_there_from_the_same_port(self) -> None:
        async with serving() as (server, address), nat_socket() as (heard, transport, port):
            transport.sendto(request(BINDING, NAMED), address)
            challenge, _ = await heard.get()
            assert challenge[:2] == b"\x01\x11"
            assert server.bindings.of(USER) is None

            transport.sendto(request(BINDING, NAMED, integrity(MACS["rfc 3489"])), address)
            answer, _ = await heard.get()
            assert int.from_bytes(answer[26:28], "big") == port
            assert server.bindings.of(USER) == ("127.0.0.1", port)

            secret = Secret(USER, "cr-sentinel")
            told = await ask("http://192.168.1.1/", secret=secret, send=server.send, binding=server.bindings.of)
            assert told.said.startswith("asked over UDP at its STUN binding; over HTTP not called")
            data, sender = await heard.get()
            assert sender == address
            assert re.match(rb"GET http://127.0.0.1:\d+\?ts=", data)
            assert server.counts == {"challenged": 1, "bound": 1}

    async def test_a_socket_of_both_families_tells_ipv4_addresses_as_they_are(self) -> None:
        if not socket.has_ipv6:
            pytest.skip("no IPv6 on this machine")
        async with serving("::") as (server, (_, listens)), nat_socket() as (heard, transport, port):
            transport.sendto(request(), ("127.0.0.1", listens))
            answer, _ = await heard.get()
            assert answer[20:] == bytes.fromhex("000100080001") + port.to_bytes(2, "big") + bytes([127, 0, 0, 1])
            server.send(b"to an IPv4 address", ("127.0.0.1", port))
            assert (await heard.get())[0] == b"to an IPv4 address"

    async def test_rubbish_is_counted_and_harms_nothing(self) -> None:
        async with serving() as (server, address), nat_socket() as (heard, transport, _):
            for rubbish in (b"x", bytes(2000), b"\0\x01\0\x04" + bytes(16) + b"abcd"):
                transport.sendto(rubbish, address)
            transport.sendto(request(), address)
            answer, _ = await heard.get()
            assert int.from_bytes(answer[:2], "big") == stun.BINDING_RESPONSE
            assert server.counts["malformed"] == 3

    async def test_an_address_that_asks_too_often_is_not_answered(self) -> None:
        async with serving(per_address_per_s=1.0) as (server, address), nat_socket() as (heard, transport, _):
            for _ in range(20):
                transport.sendto(request(), address)
            async with nat_socket("127.0.0.2") as (other, last, _):
                last.sendto(request(), address)
                await other.get()  # those before it have been seen
            assert server.counts["too-many"] >= 17
            assert heard.qsize() == 20 - server.counts["too-many"]
