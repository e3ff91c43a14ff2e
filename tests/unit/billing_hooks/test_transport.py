"""One POST over a real socket: addresses checked as they are connected to, answers capped, failures in words."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from billing_hooks.address import Network
from billing_hooks.answer import Answer
from billing_hooks.endpoint import Endpoint
from billing_hooks.signature import Secret
from billing_hooks.transport import http_transport

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Names(AbstractResolver):
    """Answers each question for a name with the next of the addresses, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.asked = 0
        self._answers = answers

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(hostname=host, host=address, port=port, family=_family(address), proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Server:
    """A TCP server on loopback that writes ``reply`` to every request and counts connections."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n{}"):
                writer.write(self.reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(reply: bytes = OK, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    peer = Server(reply)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    async with server:
        yield peer


async def post(
    url: str, resolver: AbstractResolver | None = None, times: int = 1, allow: tuple[Network, ...] = ()
) -> list[Answer]:
    endpoint = Endpoint(name="billing", url=url, secrets=(SECRET,), timeout_s=2, max_response=100, allow=allow)
    async with http_transport(endpoint, resolver) as send:
        return [await send({"webhook-id": "evt_1"}, b"{}") for _ in range(times)]


async def test_the_beginning_of_the_answer_is_kept_and_printable() -> None:
    async with serving(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nRetry-After: 3\r\n\r\n\x1bk") as peer:
        assert await post(f"http://127.0.0.1:{peer.port}/") == [Answer(202, "3", "\\x1bk")]


async def test_a_long_answer_is_cut_and_its_rest_not_taken_for_the_next_answer() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"a" * 1_000_000) as peer:
        answers = await post(f"http://127.0.0.1:{peer.port}/", times=2)
        assert [(answer.status, answer.text) for answer in answers] == [(200, "a" * 100)] * 2
        assert peer.connections == 2


async def test_a_connection_is_used_again() -> None:
    async with serving() as peer:
        answers = await post(f"http://127.0.0.1:{peer.port}/", times=3)
        assert [answer.status for answer in answers] == [200] * 3
        assert peer.connections == 1


async def test_an_answer_whose_body_breaks_off_still_counts() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\nhalf") as peer:
        endpoint = Endpoint(name="b", url=f"http://127.0.0.1:{peer.port}/", secrets=(SECRET,), timeout_s=0.1)
        async with http_transport(endpoint) as send:
            assert await send({}, b"{}") == Answer(200, None, "half")


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "127.0.0.1", "::1", "fe80::1"])
async def test_a_name_that_resolves_to_a_forbidden_address_is_not_connected_to(address: str) -> None:
    async with serving() as peer:
        (answer,) = await post(f"http://billing.example:{peer.port}/", Names([address]))
        assert answer.status is None
        assert f"must not be sent to {address}" in (answer.error or "")
        assert peer.connections == 0


async def test_a_forbidden_address_as_the_host_itself_is_not_connected_to() -> None:
    (answer,) = await post("http://169.254.169.254/latest/meta-data")
    assert "must not be sent to 169.254.169.254" in (answer.error or "")


async def test_a_name_is_used_when_the_allow_list_has_its_address() -> None:
    async with serving() as peer:
        url, loopback = f"http://billing.example:{peer.port}/", ip_network("127.0.0.0/8")
        (allowed,) = await post(url, Names(["127.0.0.1"]), allow=(loopback,))
        assert allowed.status == 200
        (refused,) = await post(url, Names(["127.0.0.1"]), allow=(ip_network("10.0.0.0/8"),))
        assert "in no network of 'allow'" in (refused.error or "")
        assert peer.connections == 1


async def test_only_the_allowed_of_several_addresses_is_connected_to() -> None:
    async with serving() as peer:
        names = Names(["169.254.169.254", "::1", "127.0.0.1"])
        url = f"http://billing.example:{peer.port}/"
        (answer,) = await post(url, names, allow=(ip_network("127.0.0.0/8"),))
        assert answer.status == 200


async def test_a_name_that_turns_while_in_use_is_checked_at_every_connection() -> None:
    closing = OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    async with serving(closing) as peer:
        names = Names(["127.0.0.1"], ["169.254.169.254"])
        url, allow = f"http://billing.example:{peer.port}/", (ip_network("127.0.0.1/32"),)
        endpoint = Endpoint(name="billing", url=url, secrets=(SECRET,), timeout_s=2, allow=allow)
        async with http_transport(endpoint, names) as first:
            assert (await first({}, b"{}")).status == 200
        async with http_transport(endpoint, names) as second:
            refused = await second({}, b"{}")
        assert "must not be sent to 169.254.169.254" in (refused.error or "")
        assert names.asked == 2


async def test_a_closed_port_is_said_to_be_one() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        (answer,) = await post(f"http://127.0.0.1:{unused.getsockname()[1]}/?token=s3cr3t")
    assert (answer.error or "").startswith("no connection")
    assert "s3cr3t" not in (answer.error or "")


async def test_garbage_is_no_answer() -> None:
    async with serving(b"SSH-2.0-OpenSSH_9.2\r\n\r\n") as peer:
        (answer,) = await post(f"http://127.0.0.1:{peer.port}/?token=s3cr3t")
    assert answer.status is None
    assert (answer.error or "").startswith("the answer is no valid HTTP")
    assert "s3cr3t" not in (answer.error or "")


async def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed(tmp_path))
    async with serving(tls=tls) as peer:
        (answer,) = await post(f"https://127.0.0.1:{peer.port}/")
    assert (answer.error or "").startswith("the certificate is refused")


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "billing.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return path
