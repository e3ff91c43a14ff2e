"""A subscriber, an edge server and the Internet, each a network namespace, for tests of real traffic."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.integration.namespaces import LIMIT_SECONDS, NoNamespace, inside, ip, namespace

GATEWAY, SUBSCRIBER = "203.0.113.1", "192.0.2.10"
SERVER, GARDEN = "198.51.100.2", "198.51.100.10"
SERVER6, GARDEN6, EDGE6 = "2001:db8:2::2", "2001:db8:2::10", "2001:db8:2::1"
SUBSCRIBER6, GATEWAY6 = "2001:db8:1::10", "2001:db8:1::1"
PORT = 8080
_REFUSED_S = 0.5
_CHUNK = 1 << 16
_WARM_UP = 0.2


@dataclass(frozen=True, slots=True)
class EdgeNetwork:
    """The three by their namespaces; ``acc0`` of the edge is the subscriber's cable, ``up0`` goes to the Internet."""

    subscriber: str
    edge: str
    internet: str

    def reaches(self, address: str, port: int = PORT) -> bool:
        """Whether the subscriber can open a TCP connection."""
        return _reaches(self.subscriber, address, port)

    def is_reached_by(self, source: str) -> bool:
        """Whether the Internet, from one of its addresses, can open a TCP connection to the subscriber."""
        return _reaches(self.internet, SUBSCRIBER, PORT, source)

    def asks_edge(self, port: int) -> bool:
        """Whether a datagram of the subscriber to the edge server is answered."""
        with inside(self.edge):
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with inside(self.subscriber):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with server, client:
            server.bind((GATEWAY, port))
            client.settimeout(_REFUSED_S)
            server.settimeout(_REFUSED_S)
            client.sendto(b"question", (GATEWAY, port))
            try:
                _, asker = server.recvfrom(64)
                server.sendto(b"answer", asker)
                return client.recv(64) == b"answer"
            except TimeoutError:
                return False

    def downstream_bps(self, total: int) -> float:
        """The rate at which TCP payload comes from the Internet to the subscriber, over a bounded transfer."""
        return _rate_bps(self.internet, self.subscriber, SUBSCRIBER, total)

    def upstream_bps(self, total: int) -> float:
        """The rate at which TCP payload comes from the subscriber to the Internet, over a bounded transfer."""
        return _rate_bps(self.subscriber, self.internet, SERVER, total)

    def run(self, *command: str) -> None:
        """Run a command on the edge server."""
        ip("netns", "exec", self.edge, *command)


@contextmanager
def edge_network(subscriber_link: str = "cpe0") -> Iterator[EdgeNetwork]:
    """The three, cabled and with addresses; raises ``NoNamespace``."""
    with namespace() as subscriber, namespace() as edge, namespace() as internet:
        network = EdgeNetwork(subscriber, edge, internet)
        for each in (subscriber, edge, internet):
            _at_once(each)
        _cable(edge, "acc0", subscriber, "cpe0")
        cable_uplink(network)
        if subscriber_link != "cpe0":
            _tagged(subscriber, subscriber_link)
        _address_subscriber(subscriber, subscriber_link)
        listening = [(internet, address) for address in (SERVER, GARDEN, SERVER6, GARDEN6)] + [(subscriber, SUBSCRIBER)]
        with contextlib.ExitStack() as servers:
            for name, address in listening:
                servers.enter_context(_answering(name, (address, PORT)))
            yield network


def restart_edge(network: EdgeNetwork) -> None:
    """Take the edge server's kernel away and start another, which knows nothing."""
    for link in ("acc0", "up0"):
        ip("-n", network.edge, "link", "del", link)
    ip("netns", "del", network.edge)
    ip("netns", "add", network.edge)
    _at_once(network.edge)
    ip("-n", network.edge, "link", "set", "lo", "up")
    _cable(network.edge, "acc0", network.subscriber, "cpe0")
    cable_uplink(network)
    _address_subscriber(network.subscriber, "cpe0")


def cable_uplink(network: EdgeNetwork) -> None:
    """The cable between edge server and Internet, with its addresses and routes."""
    _cable(network.edge, "up0", network.internet, "net0")
    ip("-n", network.edge, "addr", "add", "198.51.100.1/24", "dev", "up0")
    ip("-n", network.edge, "addr", "add", f"{EDGE6}/64", "dev", "up0", "nodad")
    ip("-n", network.edge, "addr", "add", f"{GATEWAY6}/64", "dev", "acc0", "nodad")
    for address in (SERVER, GARDEN):
        ip("-n", network.internet, "addr", "add", f"{address}/24", "dev", "net0")
    for address in (SERVER6, GARDEN6):
        ip("-n", network.internet, "addr", "add", f"{address}/64", "dev", "net0", "nodad")
    ip("-n", network.internet, "route", "add", "default", "via", "198.51.100.1")
    ip("-n", network.internet, "route", "add", "default", "via", EDGE6)
    network.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")


def _at_once(name: str) -> None:
    """IPv6 without a second's wait for duplicate addresses."""
    quick = [f"net.ipv6.conf.{links}.accept_dad=0" for links in ("all", "default")]
    ip("netns", "exec", name, "sysctl", "-qw", *quick)


def _cable(near: str, near_link: str, far: str, far_link: str) -> None:
    try:
        ip("-n", near, "link", "add", near_link, "type", "veth", "peer", "name", far_link, "netns", far)
    except Exception as problem:
        raise NoNamespace(f"no veth here: {problem}") from None
    ip("-n", near, "link", "set", near_link, "up")
    ip("-n", far, "link", "set", far_link, "up")


def _tagged(subscriber: str, link: str) -> None:
    """The subscriber's router tags its frames: ``cpe0.301``, or ``cpe0.201.301`` with an S-VLAN (802.1ad) outside."""
    *outer, inner = link.split(".")[1:]
    parent = "cpe0"
    for vlan in outer:
        name = f"cpe0.s{vlan}"
        ip(
            "-n",
            subscriber,
            "link",
            "add",
            "link",
            parent,
            "name",
            name,
            "type",
            "vlan",
            "proto",
            "802.1ad",
            "id",
            vlan,
        )
        ip("-n", subscriber, "link", "set", name, "up")
        parent = name
    ip("-n", subscriber, "link", "add", "link", parent, "name", link, "type", "vlan", "id", inner)
    ip("-n", subscriber, "link", "set", link, "up")


def _address_subscriber(subscriber: str, link: str) -> None:
    ip("-n", subscriber, "addr", "add", f"{SUBSCRIBER}/32", "dev", link)
    ip("-n", subscriber, "route", "add", "default", "via", GATEWAY, "dev", link, "onlink")
    if link == "cpe0":
        ip("-n", subscriber, "addr", "add", f"{SUBSCRIBER6}/64", "dev", link, "nodad")
        ip("-n", subscriber, "route", "add", "default", "via", GATEWAY6, "dev", link)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _reaches(name: str, address: str, port: int, source: str | None = None) -> bool:
    with inside(name):
        client = socket.socket(_family(address), socket.SOCK_STREAM)
    with client:
        client.settimeout(_REFUSED_S)
        if source is not None:
            client.bind((source, 0))
        try:
            client.connect((address, port))
        except OSError:
            return False
        return True


@contextmanager
def _answering(name: str, address: tuple[str, int]) -> Iterator[None]:
    """Something that takes TCP connections: the kernel completes them."""
    with inside(name):
        server = socket.socket(_family(address[0]), socket.SOCK_STREAM)
    with server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND: the address may come later
        server.bind(address)
        server.listen(64)
        yield


def _rate_bps(sender: str, receiver: str, address: str, total: int) -> float:
    with inside(receiver):
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with inside(sender):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with server, client:
        server.bind((address, 0))
        server.listen(1)
        client.settimeout(LIMIT_SECONDS)
        server.settimeout(LIMIT_SECONDS)
        client.connect(server.getsockname())
        taken, _ = server.accept()
        with taken, _thread(lambda: _send(client, total)):
            taken.settimeout(LIMIT_SECONDS)
            return _received_bps(taken, total)


def _send(client: socket.socket, total: int) -> None:
    with contextlib.suppress(OSError):  # the receiver fails the test
        client.sendall(bytes(total))
        client.shutdown(socket.SHUT_WR)


def _received_bps(taken: socket.socket, total: int) -> float:
    """Payload over the time it took, after a warm-up in which buffers and bursts fill."""
    arrived, started = 0, 0.0
    counted_from = 0
    while data := taken.recv(_CHUNK):
        arrived += len(data)
        if not started and arrived >= total * _WARM_UP:
            started, counted_from = time.perf_counter(), arrived
    return (arrived - counted_from) * 8 / (time.perf_counter() - started)


@contextmanager
def _thread(call: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield
    finally:
        thread.join()
