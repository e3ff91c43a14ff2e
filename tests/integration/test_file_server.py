"""Files over real sockets: ranges, one-time URLs, what is no file, slow readers, uploads of every bad kind."""

import asyncio
import base64
import contextlib
import hashlib
import os
import socket
import stat
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from multidict import CIMultiDictProxy

from tests.integration.test_acs import SETTINGS, Registry
from ztpd.acs.file_server import FileLimits, Files, FileServer, Sink, Source
from ztpd.acs.origin import Proxies
from ztpd.acs.server import AcsServer
from ztpd.store import files
from ztpd.store.files import FileProblem, Incoming

OUT, IN = "o" * 32, "i" * 32
NAME = "hg-v2.bin"
IMAGE = os.urandom(3 * 64 * 1024 + 17)
SHA = hashlib.sha256(IMAGE).hexdigest()


@dataclass
class Desk:
    """What tokens stand for: ``OUT`` a file to fetch, ``IN`` one to send, for the address that uses it first."""

    folder: Path
    uploads: Path
    peers: dict[str, str] = field(default_factory=dict)
    kept: list[tuple[str, int, str]] = field(default_factory=list)
    opened: Counter[str] = field(default_factory=Counter)
    limit: int = 1000
    turned: list[str] = field(default_factory=list)

    async def fetch(self, token: str, peer: str) -> Source | None:
        self.opened[token] += 1
        if token != OUT or self.peers.setdefault(token, peer) != peer:
            return None
        return files.open_file(self.folder, NAME, len(IMAGE), SHA)

    async def take(self, token: str, peer: str) -> Sink | None:
        return files.begin(self.uploads, "1-7-log", self.limit) if token == IN else None

    async def keep(self, sink: Sink) -> None:
        assert isinstance(sink, Incoming)
        sink.keep()
        self.kept.append((sink.name, sink.size, sink.sha256))

    async def refused(self, sink: Sink, reason: str) -> None:
        self.turned.append(reason)

    def files(self) -> Files:
        return Files(self.fetch, self.take, self.keep, self.refused)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / NAME).write_bytes(IMAGE)
    return Desk(folder, tmp_path / "uploads")


@contextlib.asynccontextmanager
async def served(desk: Desk, limits: FileLimits | None = None) -> AsyncIterator[AcsServer]:
    server = FileServer(desk.files(), limits)
    async with AcsServer(SETTINGS, Registry().core(), files=server) as acs:
        yield acs


@pytest.fixture
async def acs(desk: Desk) -> AsyncIterator[AcsServer]:
    async with served(desk) as serving:
        yield serving


@dataclass(frozen=True)
class Reply:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def header(self, name: str) -> str | None:
        return self.headers.get(name)


async def ask(acs: AcsServer, method: str, path: str, data: object = None, **headers: str) -> Reply:
    base = acs.url.removesuffix("/acs")
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.request(method, base + path, data=data, headers=headers) as response,
    ):
        return Reply(response.status, response.headers, await response.read())


URL = f"/files/{OUT}/{NAME}"


async def test_a_file_is_fetched_with_its_length_its_tag_and_its_digests(acs: AcsServer) -> None:
    reply = await ask(acs, "GET", URL)
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(IMAGE).digest()).decode()}:"
    assert (reply.status, reply.body) == (200, IMAGE)
    assert reply.header("Content-Length") == str(len(IMAGE))
    assert (reply.header("Content-Digest"), reply.header("Repr-Digest")) == (digest, digest)
    assert (reply.header("ETag"), reply.header("Accept-Ranges")) == (f'"{SHA}"', "bytes")
    head = await ask(acs, "HEAD", URL, Range="bytes=0-3")
    assert (head.status, head.body, head.header("Content-Length")) == (200, b"", str(len(IMAGE)))
    assert acs.counts["files-sent"] == 1


async def test_a_transfer_that_broke_off_goes_on_where_it_was(acs: AcsServer) -> None:
    middle = len(IMAGE) // 2
    first = await ask(acs, "GET", URL, Range=f"bytes=0-{middle - 1}")
    rest = await ask(acs, "GET", URL, **{"Range": f"bytes={middle}-", "If-Range": f'"{SHA}"'})
    assert (first.status, rest.status, first.body + rest.body) == (206, 206, IMAGE)
    assert rest.header("Content-Range") == f"bytes {middle}-{len(IMAGE) - 1}/{len(IMAGE)}"
    assert rest.header("Content-Digest") is None
    beyond = await ask(acs, "GET", URL, Range=f"bytes={len(IMAGE)}-")
    assert (beyond.status, beyond.header("Content-Range")) == (416, f"bytes */{len(IMAGE)}")
    other = await ask(acs, "GET", URL, **{"Range": "bytes=0-3", "If-Range": '"old"'})
    assert (other.status, other.body) == (200, IMAGE)


@pytest.mark.parametrize(
    "path",
    [
        f"/files/{'x' * 32}/{NAME}",
        f"/files/{IN}/{NAME}",
        f"/files/{OUT}/other.bin",
        f"/files/{OUT}/..%2f..%2fetc%2fpasswd",
        f"/files/{OUT}/%2e%2e/{NAME}",
        f"/files/{OUT}/./{NAME}",
        f"/files/{OUT}//{NAME}",
        f"/files/{OUT}/{NAME}/",
        f"/files/{OUT}",
        "/files/",
        f"/files/../files/{OUT[:-1]}",
        f"/files/{OUT}/{NAME}%00",
    ],
)
async def test_another_token_and_another_name_are_nothing(acs: AcsServer, path: str) -> None:
    """Sent as written: a client would tidy the path."""
    url = urlsplit(acs.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert OUT.encode() not in answer


async def test_a_url_is_for_the_address_that_used_it_first(acs: AcsServer) -> None:
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.get(acs.url.removesuffix("/acs") + URL) as response,
    ):
        assert response.status == 200
    assert (await ask(acs, "GET", URL)).status == 404


async def test_behind_a_trusted_proxy_the_address_that_it_names_counts(desk: Desk) -> None:
    settings = replace(SETTINGS, proxies=Proxies((ip_network("127.0.0.0/8"),)))
    async with AcsServer(settings, Registry().core(), files=FileServer(desk.files())) as acs:
        assert (await ask(acs, "GET", URL, **{"X-Forwarded-For": "10.0.0.5"})).status == 200
        assert (await ask(acs, "GET", URL, **{"X-Forwarded-For": "10.0.0.6"})).status == 404
        assert desk.peers == {OUT: "10.0.0.5"}


async def test_what_became_another_file_or_a_link_is_not_sent(desk: Desk, acs: AcsServer, tmp_path: Path) -> None:
    for other in (b"shorter", IMAGE[:-1] + bytes([IMAGE[-1] ^ 1])):
        files.open_file(desk.folder, NAME, len(IMAGE), SHA).close()
        (desk.folder / NAME).write_bytes(other)
        with pytest.raises(FileProblem, match="another file"):
            files.open_file(desk.folder, NAME, len(IMAGE), SHA)
        (desk.folder / NAME).write_bytes(IMAGE)
    (tmp_path / "secret").write_bytes(IMAGE)
    (desk.folder / NAME).unlink()
    (desk.folder / NAME).symlink_to(tmp_path / "secret")
    for name in (NAME, "..", "/etc/passwd", "a/b", "", ".partial-1"):
        with pytest.raises(FileProblem):
            files.measure(desk.folder, name)


async def test_a_reader_who_does_not_read_is_cut_off_and_others_are_served(desk: Desk) -> None:
    """Far more than the sockets' buffers hold, and a client that takes none of it."""
    image = bytes(32 * 1024 * 1024)
    (desk.folder / NAME).write_bytes(image)

    async def fetch(token: str, peer: str) -> Source | None:
        return files.open_file(desk.folder, NAME, len(image), hashlib.sha256(image).hexdigest())

    server = FileServer(Files(fetch, desk.take, desk.keep, desk.refused), FileLimits(stall_seconds=0.3))
    async with AcsServer(SETTINGS, Registry().core(), files=server) as acs:
        url = urlsplit(acs.url)
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        await asyncio.get_running_loop().sock_connect(slow, (url.hostname, url.port))
        await asyncio.get_running_loop().sock_sendall(slow, f"GET {URL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await ask(acs, "GET", URL)).body == image
        async with asyncio.timeout(20):
            while not acs.counts["files-slow"]:  # noqa: ASYNC110 # nothing tells
                await asyncio.sleep(0.02)
        slow.close()


async def test_more_transfers_than_may_be_are_told_to_come_back(desk: Desk) -> None:
    going = asyncio.Event()
    let_go = asyncio.Event()

    async def fetch(token: str, peer: str) -> Source | None:
        going.set()
        await let_go.wait()
        return await desk.fetch(token, peer)

    for limits in (FileLimits(total=1), FileLimits(per_token=1)):
        going.clear()
        let_go.clear()
        server = FileServer(Files(fetch, desk.take, desk.keep, desk.refused), limits)
        async with AcsServer(SETTINGS, Registry().core(), files=server) as acs:
            first = asyncio.create_task(ask(acs, "GET", URL))
            await going.wait()
            second = await ask(acs, "GET", URL)
            assert (second.status, second.header("Retry-After")) == (503, "30")
            let_go.set()
            assert (await first).status == 200
            assert (await ask(acs, "GET", URL)).status == 200, "there is room again"


UPLOAD = f"/files/{IN}/log"


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_what_a_cpe_sends_is_kept_as_it_came_for_its_owner_alone(desk: Desk, acs: AcsServer, method: str) -> None:
    sent = b"<!DOCTYPE x>\x00\xff not for parsing"
    for _ in range(2):
        assert (await ask(acs, method, UPLOAD, sent, **{"Content-Encoding": "gzip"})).status == 201
    assert desk.kept == [("1-7-log", len(sent), hashlib.sha256(sent).hexdigest())] * 2
    (file,) = desk.uploads.iterdir()
    assert (file.name, file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == ("1-7-log", sent, 0o600)


async def test_one_that_holds_its_body_back_is_told_to_go_on(desk: Desk, acs: AcsServer) -> None:
    url = urlsplit(acs.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    head = f"PUT {UPLOAD} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        assert (await reader.read()).startswith(b"HTTP/1.1 201 ")
    writer.close()


async def test_what_is_too_large_empty_or_breaks_off_leaves_nothing(desk: Desk, acs: AcsServer) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(100)

    assert (await ask(acs, "PUT", UPLOAD, bytes(1001))).status == 413
    assert (await ask(acs, "PUT", UPLOAD, pieces())).status == 413
    assert (await ask(acs, "PUT", UPLOAD, b"")).status == 400
    assert (await ask(acs, "PUT", f"/files/{OUT}/log", b"x")).status == 404
    assert (await ask(acs, "DELETE", UPLOAD)).status == 405
    url = urlsplit(acs.url)
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(f"PUT {UPLOAD} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nonly this".encode())
    await writer.drain()
    writer.close()
    async with asyncio.timeout(10):
        while not acs.counts["files-400"] >= 2:  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.01)
    assert desk.kept == []
    assert desk.turned == [*["a file may have 1000 bytes"] * 2, "the file is empty", "the file broke off"]
    assert list(desk.uploads.iterdir()) == []


async def test_a_full_disk_is_said_and_leaves_nothing(desk: Desk) -> None:
    """The kernel's own answer of a device that is always full."""

    async def take(token: str, peer: str) -> Sink | None:
        sink = files.begin(desk.uploads, "1-7-log", 1000)
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, sink.descriptor)
        os.close(full)
        return sink

    server = FileServer(Files(desk.fetch, take, desk.keep, desk.refused))
    async with AcsServer(SETTINGS, Registry().core(), files=server) as acs:
        reply = await ask(acs, "PUT", UPLOAD, b"a log")
        assert (reply.status, reply.body) == (507, b"the file cannot be kept: No space left on device\n")
        assert (await ask(acs, "GET", URL)).body == IMAGE, "what is read goes on"
    assert (desk.kept, desk.turned) == ([], ["the file cannot be kept: No space left on device"])
    assert list(desk.uploads.iterdir()) == []


async def test_a_folder_that_cannot_be_made_is_said(desk: Desk, acs: AcsServer) -> None:
    desk.uploads.write_bytes(b"a file where the folder must be")
    reply = await ask(acs, "PUT", UPLOAD, b"a log")
    assert (reply.status, reply.body) == (507, b"the file cannot be kept: File exists\n")


async def test_a_sender_who_dawdles_is_cut_off(desk: Desk) -> None:
    async with served(desk, FileLimits(stall_seconds=0.2)) as acs:
        url = urlsplit(acs.url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(f"PUT {UPLOAD} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nonly this".encode())
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()
    assert list(desk.uploads.iterdir()) == []


def test_what_a_kill_left_is_swept(desk: Desk) -> None:
    half = files.begin(desk.uploads, "1-1-log", 10)
    half.write(b"half")
    os.close(half.descriptor)
    (desk.uploads / "notes-of-somebody.txt").write_bytes(b"not ours")
    for name in ("1-2-log", "1-3-log"):
        whole = files.begin(desk.uploads, name, 10)
        whole.write(b"whole")
        whole.keep()
        whole.close()
    assert files.sweep(desk.uploads, ["1-2-log"]) == 2
    assert {path.name for path in desk.uploads.iterdir()} == {"1-2-log", "notes-of-somebody.txt"}
    files.drop(desk.uploads, ["1-2-log", "gone", "../files/" + NAME])
    assert [path.name for path in desk.uploads.iterdir()] == ["notes-of-somebody.txt"]
    assert (desk.folder / NAME).exists()
