"""CPEs for benchmarks: whole sessions over plain sockets, as light as can be, in a process of their own.

``python -m tests.bench._cpes`` reads a ``Plan`` as a line of JSON from standard input, lets the CPEs inform, answers a
line with what became of it, and so on until the input ends. Every session has a TCP connection of its own, from an
address of its CPE's own. No framework, for the client's own work must not hide the server's.
"""

import errno
import hashlib
import heapq
import json
import re
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ztpd.acs.device_secrets import DeviceSecrets

OUI, PRODUCT_CLASS = "00259E", "HG8245Q2"
_REALM_AND_NONCE = re.compile(rb'realm="([^"]*)", nonce="([^"]*)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *([^;\r]+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after: *([0-9]+)", re.IGNORECASE)
_ID = re.compile(rb"<cwmp:ID[^>]*>([^<]*)<")
_VALUE = re.compile(rb"<Name>([^<]*)</Name><Value[^>]*>([^<]*)</Value>")
_PATH = re.compile(rb"<string>([^<]*)</string>")
_GIVE_UP_S = 120.0
_RETRY_S = 7.5  # the first time a session fails: 5 to 10 s (TR-069 Amendment 6, §3.2.1.1)

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:cwmp="urn:dslforum-org:cwmp-1-2">'
    '<soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">{id}</cwmp:ID></soap-env:Header>'
    "<soap-env:Body>{body}</soap-env:Body></soap-env:Envelope>"
)
_STRUCT = '<ParameterValueStruct><Name>{}</Name><Value xsi:type="xsd:{}">{}</Value></ParameterValueStruct>'
_INFORMED = (
    ("Device.RootDataModelVersion", "string", "2.9"),
    ("Device.DeviceInfo.HardwareVersion", "string", "A2.0"),
    ("Device.DeviceInfo.SoftwareVersion", "string", "V5R019C10S125"),
    ("Device.DeviceInfo.ProvisioningCode", "string", ""),
    ("Device.DeviceInfo.SerialNumber", "string", "@SERIAL@"),
    ("Device.DeviceInfo.UpTime", "unsignedInt", "86402"),
    ("Device.ManagementServer.ParameterKey", "string", ""),
    ("Device.ManagementServer.ConnectionRequestURL", "string", "http://@ADDRESS@:7547/4f1c9a"),
    ("Device.ManagementServer.AliasBasedAddressing", "boolean", "0"),
    ("Device.Ethernet.Interface.1.MACAddress", "string", "@MAC@"),
    ("Device.IP.Interface.1.IPv4Address.1.IPAddress", "string", "@ADDRESS@"),
    ("Device.PPP.Interface.1.IPCP.LocalIPAddress", "string", "@ADDRESS@"),
)

# What is read of the first CPE of a model, to learn where its instances are.
_TREE = {
    b"Device.Ethernet.Link.1.Enable": b"1",
    b"Device.Ethernet.Link.1.Name": b"wan",
    b"Device.Ethernet.VLANTermination.1.Enable": b"1",
    b"Device.PPP.Interface.1.Enable": b"1",
    b"Device.PPP.Interface.1.ConnectionStatus": b"Connected",
    b"Device.PPP.Interface.1.LastConnectionError": b"ERROR_NONE",
    b"Device.WiFi.Radio.1.OperatingFrequencyBand": b"2.4GHz",
    b"Device.WiFi.Radio.2.OperatingFrequencyBand": b"5GHz",
    b"Device.WiFi.SSID.1.LowerLayers": b"Device.WiFi.Radio.1.",
    b"Device.WiFi.SSID.2.LowerLayers": b"Device.WiFi.Radio.2.",
}


def _inform_text(event: str) -> str:
    structs = "".join(_STRUCT.format(*each) for each in _INFORMED)
    return _ENVELOPE.format(
        id="1",
        body="<cwmp:Inform><DeviceId><Manufacturer>Huawei Technologies Co., Ltd</Manufacturer>"
        f"<OUI>{OUI}</OUI><ProductClass>{PRODUCT_CLASS}</ProductClass><SerialNumber>@SERIAL@</SerialNumber></DeviceId>"
        '<Event soap-enc:arrayType="cwmp:EventStruct[1]"><EventStruct>'
        f"<EventCode>{event}</EventCode><CommandKey></CommandKey></EventStruct></Event>"
        "<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-03-01T08:00:00Z</CurrentTime><RetryCount>0</RetryCount>"
        f'<ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[{len(_INFORMED)}]">{structs}</ParameterList>'
        "</cwmp:Inform>",
    )


def serial(number: int) -> str:
    """The PON serial of a CPE, which is an ONT with a router in it."""
    return f"ZTPD{number:08X}"


def cwmp_serial(number: int) -> str:
    """What the same CPE calls itself over CWMP: the hex of its PON serial, as many ONTs do."""
    return serial(number).encode().hex().upper()[:8] + f"{number:08X}"


def address(number: int) -> str:
    """The address a CPE comes from: all of 127.0.0.0/8 is the loopback's."""
    return f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def _mac(number: int) -> str:
    return ":".join(("02", "25", *(f"{byte:02X}" for byte in number.to_bytes(4, "big"))))


def inform(number: int, event: str = "2 PERIODIC") -> bytes:
    """A CPE's Inform; 3 KB, the parameters that a TR-181 device has to send and a few more."""
    text = _inform_text(event).replace("@SERIAL@", cwmp_serial(number)).replace("@ADDRESS@", address(number))
    return text.replace("@MAC@", _mac(number)).encode()


@dataclass(frozen=True)
class Plan:
    """Which CPEs inform and how.

    CPEs ``first`` to ``first + cpes`` take turns until there were so many ``sessions``; ``at_once`` of them at a time,
    or, where ``over_s`` is given, each at its moment within so many seconds, whether the server keeps up or not.
    They show ``user`` and ``password``, or with ``key`` the secrets of their own that ztpd has given them by it.
    ``nonce`` answers every CPE's challenge before it is made; without it a CPE uses the nonce it was given last, and
    where it has none, or with ``forget``, it is challenged first.
    """

    host: str
    port: int
    first: int
    cpes: int
    sessions: int
    at_once: int = 32
    over_s: float = 0.0
    event: str = "2 PERIODIC"
    user: str = "cpe"
    password: str = ""
    key: str | None = None
    nonce: str | None = None
    forget: bool = False


@dataclass
class Done:
    """What became of a plan: how many sessions ended well, why others began ``again`` or were ``lost``.

    ``took_s`` is each session's time from the moment it was due, however often it had to begin again.
    """

    ended: int = 0
    posts: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    elapsed_s: float = 0.0
    cpu_s: float = 0.0
    took_s: list[float] = field(default_factory=list)


class _Closed(Exception):
    """The ACS closed the connection."""


class Cpe:
    """One session of one CPE."""

    __slots__ = ("buffer", "cookie", "due", "informed", "nonce", "number", "plan", "socket", "values")

    def __init__(self, number: int, due: float, plan: Plan) -> None:
        self.number = number
        self.due = due
        self.plan = plan
        self.buffer = b""
        self.cookie = b""
        self.informed = b""
        self.values: dict[bytes, bytes] = {}

    def connect(self) -> None:
        """Connect from the CPE's own address."""
        self.socket = socket.socket()
        self.socket.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen at connect
        self.socket.setblocking(False)
        self.socket.bind((address(self.number), 0))
        problem = self.socket.connect_ex((self.plan.host, self.plan.port))
        if problem not in (0, errno.EINPROGRESS):
            raise OSError(problem, "connect")

    def post(self, body: bytes, extra: bytes = b"") -> None:
        """Send a POST; it fits into the socket's buffer."""
        cookie = b"Cookie: " + self.cookie + b"\r\n" if self.cookie else b""
        self.socket.send(
            b"POST /acs HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: cwmp-client/1.0\r\n%s%s"
            b'Content-Type: text/xml; charset="utf-8"\r\nSOAPAction: \r\nContent-Length: %d\r\n\r\n%s'
            % (self.plan.host.encode(), self.plan.port, cookie, extra, len(body), body)
        )

    def post_inform(self, given: "tuple[bytes, bytes, int] | None") -> None:
        """Send the Inform, with an answer to the challenge that was ``given``: realm, nonce, how often used."""
        self.informed = self.informed or inform(self.number, self.plan.event)
        self.post(self.informed, b"" if given is None else self._authorization(*given))

    def _authorization(self, realm: bytes, nonce: bytes, count: int) -> bytes:
        def md5(text: bytes) -> bytes:
            return hashlib.md5(text, usedforsecurity=False).hexdigest().encode()

        user, password = (text.encode() for text in self._account())
        secret = md5(b"%s:%s:%s" % (user, realm, password))
        response = md5(b"%s:%s:%08x:0a4f113b:auth:%s" % (secret, nonce, count, md5(b"POST:/acs")))
        return (
            b'Authorization: Digest username="%s", realm="%s", nonce="%s", uri="/acs", qop=auth, nc=%08x,'
            b' cnonce="0a4f113b", response="%s", algorithm=MD5\r\n' % (user, realm, nonce, count, response)
        )

    def _account(self) -> tuple[str, str]:
        if self.plan.key is None:
            return self.plan.user, self.plan.password
        user = f"{OUI}-{PRODUCT_CLASS}-{cwmp_serial(self.number)}"
        return user, DeviceSecrets(self.plan.key.encode()).password(user)

    def answer(self, body: bytes) -> None:
        """Do what the ACS asks for."""
        if b"<cwmp:InformResponse>" in body:
            self.post(b"")
        elif b"<cwmp:SetParameterValues>" in body:
            self.values.update(_VALUE.findall(body))
            self._say(body, "<cwmp:SetParameterValuesResponse><Status>0</Status></cwmp:SetParameterValuesResponse>")
        elif b"<cwmp:GetParameterValues>" in body:
            read = [pair for path in _PATH.findall(body) for pair in self._read(path)]
            structs = [_STRUCT.format(path.decode(), "string", value.decode()) for path, value in read]
            kind = f"cwmp:ParameterValueStruct[{len(structs)}]"
            self._say(
                body,
                f'<cwmp:GetParameterValuesResponse><ParameterList soap-enc:arrayType="{kind}">{"".join(structs)}'
                "</ParameterList></cwmp:GetParameterValuesResponse>",
            )
        else:
            raise ValueError(f"an unforeseen request: {body[-300:]!r}")

    def _read(self, path: bytes) -> list[tuple[bytes, bytes]]:
        if path.endswith(b"."):
            return [(name, text) for name, text in _TREE.items() if name.startswith(path)]
        return [(path, self.values.get(path) or _TREE.get(path, b""))]

    def _say(self, request: bytes, body: str) -> None:
        asked = _ID.search(request)
        self.post(_ENVELOPE.format(id=asked[1].decode() if asked else "", body=body).encode())


class Crowd:
    """Lets CPEs inform; remembers the nonce each was given last by each server."""

    def __init__(self) -> None:
        self._nonces: dict[tuple[int, int], tuple[bytes, bytes, int]] = {}

    def run(self, plan: Plan) -> Done:
        """Do what the plan says."""
        self._plan, self._done = plan, Done()
        self._poll = select.epoll()
        self._talking: dict[int, Cpe] = {}
        began, cpu = time.monotonic(), time.process_time()
        apart = plan.over_s / plan.sessions or 1e-9  # never none: the order in which they take turns is kept by it
        moments = ((began + n * apart, plan.first + n % plan.cpes) for n in range(plan.sessions))
        self._due = [(due, number, due) for due, number in moments]
        while (self._due or self._talking) and time.monotonic() - began < _GIVE_UP_S:
            self._start_due(time.monotonic())
            self._hear(self._patience())
        if self._due or self._talking:
            self._done.lost["given up"] = len(self._due) + len(self._talking)
        for cpe in self._talking.values():
            cpe.socket.close()
        self._poll.close()
        self._done.elapsed_s = time.monotonic() - began
        self._done.cpu_s = time.process_time() - cpu
        return self._done

    def _patience(self) -> float:
        if not self._due or not self._plan.over_s:
            return 1.0
        return max(0.0, min(1.0, self._due[0][0] - time.monotonic()))

    def _start_due(self, now: float) -> None:
        limit = self._plan.at_once if not self._plan.over_s else 1 << 20
        while self._due and self._due[0][0] <= now and len(self._talking) < limit:
            _, number, due = heapq.heappop(self._due)
            cpe = Cpe(number, due if self._plan.over_s else time.monotonic(), self._plan)
            try:
                cpe.connect()
            except OSError as error:
                self._done.lost[f"connect: {error}"] += 1
                continue
            self._talking[cpe.socket.fileno()] = cpe
            self._poll.register(cpe.socket, select.EPOLLOUT)

    def _hear(self, patience: float) -> None:
        for descriptor, events in self._poll.poll(patience):
            cpe = self._talking[descriptor]
            try:
                if events & select.EPOLLOUT:
                    self._poll.modify(descriptor, select.EPOLLIN)
                    given = self._nonces.get((self._plan.port, cpe.number))
                    self._post_inform(cpe, None if self._plan.forget else given)
                elif self._received(cpe):
                    self._end(cpe)
            except (ConnectionError, _Closed):
                self._come_back(cpe, "reset", _RETRY_S)
            except (OSError, ValueError) as error:
                self._done.lost[str(error)] += 1
                self._leave(cpe)

    def _post_inform(self, cpe: Cpe, given: tuple[bytes, bytes, int] | None) -> None:
        if self._plan.nonce is not None:
            given = (b"ztpd", self._plan.nonce.encode(), 1)
        elif given is not None:
            realm, nonce, count = given
            given = self._nonces[self._plan.port, cpe.number] = (realm, nonce, count + 1)
        cpe.post_inform(given)
        self._done.posts += 1

    def _received(self, cpe: Cpe) -> bool:
        """Take what came; whether the session is over."""
        data = cpe.socket.recv(65536)
        if not data:
            raise _Closed
        cpe.buffer += data
        head, blank, body = cpe.buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not blank or (length is not None and len(body) < int(length[1])):
            return False
        cpe.buffer = b""
        return self._answered(cpe, head, body)

    def _answered(self, cpe: Cpe, head: bytes, body: bytes) -> bool:
        status = head[9:12].decode()
        self._done.answers[status] += 1
        if status == "204":
            return True
        if status == "401" and not cpe.cookie:
            self._challenged(cpe, head)
        elif status == "503":
            after = _RETRY_AFTER.search(head)
            self._come_back(cpe, "told to wait", float(after[1]) if after else 30.0)
        elif status == "200":
            cookie = _COOKIE.search(head)
            cpe.cookie = cookie[1] if cookie is not None else cpe.cookie
            cpe.answer(body)
            self._done.posts += 1
        else:
            raise ValueError(f"{status} {body[:80]!r}")
        return False

    def _challenged(self, cpe: Cpe, head: bytes) -> None:
        challenge = _REALM_AND_NONCE.search(head)
        if challenge is None:
            raise ValueError("401 without a challenge")
        self._post_inform(cpe, (challenge[1], challenge[2], 0))

    def _come_back(self, cpe: Cpe, why: str, after_s: float) -> None:
        self._done.again[why] += 1
        heapq.heappush(self._due, (time.monotonic() + after_s, cpe.number, cpe.due))
        self._leave(cpe)

    def _end(self, cpe: Cpe) -> None:
        self._done.ended += 1
        self._done.took_s.append(time.monotonic() - cpe.due)
        self._leave(cpe)

    def _leave(self, cpe: Cpe) -> None:
        del self._talking[cpe.socket.fileno()]
        cpe.socket.close()


def main() -> None:
    """Do one plan after another."""
    crowd = Crowd()
    for line in sys.stdin:
        given: Mapping[str, object] = json.loads(line)
        print(json.dumps(vars(crowd.run(Plan(**given)))), flush=True)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
