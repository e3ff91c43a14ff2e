"""Whole sessions of whatever a CPE may say and the core may fail at: they never raise, and they always end."""

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_soap_properties import MODELS, read_or_refused
from tests.unit.acs.envelopes import envelope, inform
from ztpd.acs import session, soap
from ztpd.acs.errors import MalformedXml, SoapError
from ztpd.acs.messages import (
    Acknowledged,
    AddObjectResponse,
    DeleteObjectResponse,
    DeviceId,
    Empty,
    Envelope,
    Event,
    Fault,
    FromCpe,
    GetParameterAttributesResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    Inform,
    Notice,
    ParameterAttributes,
    SetParameterValuesFault,
    SetParameterValuesResponse,
    TransferResponse,
    Unknown,
)
from ztpd.acs.requests import answers
from ztpd.acs.session import (
    MAX_OWN_REQUESTS,
    MAX_REPEATED_QUESTIONS,
    MAX_REQUESTS,
    MAX_RESENDS,
    MAX_WORKS,
    Session,
    State,
)
from ztpd.domain import cpe_tasks
from ztpd.domain.cpe import Cause, CpeFacts, CpeOutcome, CpeWork
from ztpd.domain.diagnostics import CpeTest

MOST_POSTS = MAX_REQUESTS * (1 + MAX_RESENDS) + MAX_OWN_REQUESTS + MAX_WORKS * MAX_REPEATED_QUESTIONS + 2
"""No session takes more POSTs than this, whoever sends them."""

TEXT = st.text(max_size=8)
PATH = st.sampled_from(["Device.", "Device.WiFi.SSID.1.SSID", "Device.PPP.Interface.1.Password", "Router.X", ""]) | TEXT
STATUS = st.integers(0, 2)
PING, SCAN, LINE = (
    "Device.IP.Diagnostics.IPPing.",
    "Device.WiFi.NeighboringWiFiDiagnostic.",
    "Device.Optical.Interface.",
)
SHOWN = {f"{PING}DiagnosticsState", f"{PING}SuccessCount", f"{SCAN}DiagnosticsState", f"{SCAN}Result.1.SignalStrength"}
SHOWN |= {f"{LINE}1.OpticalSignalLevel", f"{LINE}1.Upstream"}
RESULT = st.sampled_from(["Complete", "Requested", "None", "Error_Other", "0", "1", "-71", "-18500", "9" * 30])
VALUES = st.dictionaries(PATH, TEXT, max_size=4) | st.dictionaries(st.sampled_from(sorted(SHOWN)), RESULT)
METHODS = ("SetParameterAttributes", "Reboot", "FactoryReset", "ScheduleInform", "CancelTransfer", "Bogus")

INFORM = st.builds(
    Inform,
    device=st.builds(DeviceId, TEXT, st.just("00259E"), st.just("ONT"), st.just("S1")),
    events=st.lists(st.builds(Event, TEXT, TEXT), max_size=3).map(tuple),
    parameters=VALUES,
)
ANSWER = st.one_of(
    st.builds(GetParameterValuesResponse, VALUES),
    st.builds(SetParameterValuesResponse, STATUS),
    st.builds(GetParameterNamesResponse, st.dictionaries(PATH, st.booleans(), max_size=4)),
    st.builds(
        GetParameterAttributesResponse, st.lists(st.builds(ParameterAttributes, PATH, STATUS), max_size=2).map(tuple)
    ),
    st.builds(AddObjectResponse, st.integers(0, 2**32), STATUS),
    st.builds(DeleteObjectResponse, STATUS),
    st.builds(TransferResponse, st.sampled_from(["Download", "Upload"]), STATUS, TEXT, TEXT),
    st.builds(Acknowledged, st.sampled_from(METHODS)),
    st.builds(GetRPCMethodsResponse, st.lists(TEXT, max_size=2).map(tuple)),
    st.builds(
        Fault,
        st.integers(0, 9999),
        TEXT,
        st.lists(st.builds(SetParameterValuesFault, PATH, st.integers(0, 9999), TEXT), max_size=2).map(tuple),
    ),
)
REQUEST = st.one_of(
    st.builds(Notice, st.sampled_from(soap.NOTICES), TEXT, st.integers(0, 9999), TEXT, VALUES),
    st.just(GetRPCMethods()),
    st.builds(Unknown, st.sampled_from(["X_Hello", "X_HelloResponse"]) | TEXT),
)


@dataclass(frozen=True)
class Fitting:
    """Stands for whatever answer the request that is out is owed."""


SAID = st.one_of(st.just(Fitting()), st.just(Fitting()), st.just(Empty()), ANSWER, REQUEST, INFORM, st.just(None))
NAMESPACE = st.sampled_from([None, *soap.NAMESPACES])
ID = st.sampled_from([None, "7", "ztpd-1", "ztpd-2", "ztpd-", "ztpd-99"])

INTENTS = st.dictionaries(
    st.sampled_from(
        [
            "wifi.2ghz.ssid",
            "wan.pppoe.password",
            "wan.vlan",
            "wan.warp",
            "wifi.guest.ssid",
            "nat.port_mapping.count",
            "nat.port_mapping.3.client",
        ]
    ),
    TEXT | st.integers() | st.booleans(),
    max_size=3,
)
TESTS = st.sampled_from(
    [
        CpeTest(test="ping", host="192.0.2.1"),
        CpeTest(test="traceroute", host="192.0.2.1"),
        CpeTest(test="download", url="http://192.0.2.1/file"),
        CpeTest(test="upload", url="http://192.0.2.1/up", duration_s=10),
        CpeTest(test="wifi-neighbours"),
        CpeTest(test="wifi-neighbours", scan=False),
        CpeTest(test="optics"),
    ]
)
REDIRECT = st.builds(
    cpe_tasks.Redirect,
    url=st.just("https://acs.example.net/"),
    username=st.just("cpe"),
    password=st.text(min_size=1, max_size=8),
)
TASKS: dict[str, st.SearchStrategy[cpe_tasks.Task]] = {
    "configure": st.builds(cpe_tasks.Configure, values=INTENTS, told=st.booleans()),
    "inspect": st.builds(cpe_tasks.Inspect, values=INTENTS),
    "read": st.builds(cpe_tasks.Read, paths=st.lists(st.text(min_size=1, max_size=9), min_size=1).map(tuple)),
    "reboot": st.just(cpe_tasks.Reboot()),
    "factory-reset": st.just(cpe_tasks.FactoryReset()),
    "diagnose": st.builds(cpe_tasks.Diagnose, test=TESTS),
    "collect": st.builds(cpe_tasks.Collect, test=TESTS),
    "download": st.just(cpe_tasks.Download(file_type="1 Firmware Upgrade Image", url="http://192.0.2.1/f", size=9)),
    "upload": st.sampled_from([cpe_tasks.Upload(what="log"), cpe_tasks.Upload(what="configuration")]),
    "hand-over": REDIRECT,  # which a CPE is given as this, with the password
    "redirect": REDIRECT,
}
"""By kind. A new kind of task needs a line here."""


def test_sessions_are_played_with_every_kind_of_task() -> None:
    assert set(TASKS) == set(cpe_tasks.TASK.json_schema()["discriminator"]["mapping"])


@dataclass
class Play:
    """A session, the core that it asks, and what came of it."""

    works: list[CpeWork]
    fails: list[bool]
    at: Session = field(default_factory=lambda: Session(MODELS))
    given: Counter[int] = field(default_factory=Counter)
    recorded: Counter[int] = field(default_factory=Counter)

    def next_work(self) -> CpeWork | None:
        work = self.works.pop(0) if self.works else None
        if work is not None:
            self.given[id(work)] += 1
        return work

    def core(self, asked: session.Question) -> session.Input | None:
        """What the core answers; None when it fails."""
        if self.fails and self.fails.pop(0):
            return None
        match asked:
            case session.Consult():
                return session.WorkGiven(self.next_work())
            case session.Tell():
                return session.Told()
            case session.Record(work, outcome):
                assert isinstance(outcome, CpeOutcome)
                assert outcome.fault is None or not outcome.fault.message.startswith("unforeseen")
                self.recorded[id(work)] += 1
                return session.Recorded(self.next_work())

    def post(self, heard: session.Input) -> session.Action:
        """Step the session as the server does; ends on a reply, or on the question that the core failed at."""
        self.at, action = session.step(self.at, heard)
        while isinstance(action, session.Question):
            answer = self.core(action)
            if answer is None:
                return action
            self.at, action = session.step(self.at, answer)
        return action


def fitting(current: Session) -> FromCpe:
    """An answer to the request that is out, with nothing in it; an empty POST when none is."""
    kinds: list[FromCpe] = [
        GetParameterValuesResponse({}),
        SetParameterValuesResponse(),
        GetParameterNamesResponse({}),
        GetParameterAttributesResponse(()),
        AddObjectResponse(1),
        DeleteObjectResponse(),
        GetRPCMethodsResponse(()),
        TransferResponse(type(current.outstanding).__name__),
        Acknowledged(type(current.outstanding).__name__),
    ]
    if current.outstanding is None:
        return Empty()
    # A transfer is answered with a TransferResponse, what else has no response of its own with Acknowledged.
    return next(kind for kind in kinds if answers(current.outstanding, kind))


def heard(said: object, current: Session, namespace: str | None, message_id: str | None) -> session.Input:
    if said is None:
        return session.Unreadable(MalformedXml("not well-formed", "line 1"))
    message = fitting(current) if isinstance(said, Fitting) else said
    return Envelope(message, namespace, message_id)  # type: ignore[arg-type]


WORKS = st.lists(
    st.builds(CpeWork, st.just(1), st.sampled_from(Cause), st.text(max_size=40), st.one_of(*TASKS.values())), max_size=4
)
POSTS = st.lists(st.tuples(SAID, NAMESPACE, ID), max_size=20)
FAILS = st.lists(st.booleans(), max_size=8)
FACTS = CpeFacts("Acme", "00259E", "ONT", "S1", root="Device.")


@given(WORKS, FAILS, INFORM, POSTS, st.booleans())
def test_whatever_is_said_each_work_that_was_given_is_recorded_at_most_once(
    works: list[CpeWork],
    fails: list[bool],
    first: Inform,
    posts: list[tuple[object, str | None, str | None]],
    resumed: bool,
) -> None:
    play = Play(list(works), fails)
    if resumed:
        play.at = session.resumed(MODELS, FACTS, play.next_work())
    else:
        play.post(Envelope(first))
    for said, namespace, message_id in posts:
        action = play.post(heard(said, play.at, namespace, message_id))
        assert isinstance(action, session.Action)
        assert (play.at.state is State.ENDED) == isinstance(action, session.End | session.Refuse)
        assert all(play.recorded[work] <= play.given[work] for work in play.recorded)
        assert play.at.requests <= MAX_REQUESTS
        assert play.at.own_requests <= MAX_OWN_REQUESTS


@given(WORKS, st.lists(SAID.filter(lambda said: not isinstance(said, Inform)), min_size=1, max_size=4), FAILS)
def test_a_cpe_that_says_the_same_things_over_and_over_comes_to_an_end(
    works: list[CpeWork], repeated: list[object], fails: list[bool]
) -> None:
    play = Play(list(works), fails)
    play.post(soap.decode(inform()))
    for number in range(MOST_POSTS):
        said = repeated[number % len(repeated)]
        if isinstance(play.post(heard(said, play.at, None, None)), session.End | session.Refuse):
            return
    raise AssertionError(f"still {play.at.state} after {MOST_POSTS} POSTs")


@given(WORKS, st.sampled_from([Fitting(), Empty(), GetRPCMethods(), Fault(9002, "no")]))
def test_a_core_that_never_answers_again_does_not_keep_a_session_for_ever(works: list[CpeWork], said: object) -> None:
    play = Play(list(works), [False] + [True] * MOST_POSTS)
    play.post(soap.decode(inform()))
    for _ in range(MOST_POSTS):
        if isinstance(play.post(heard(said, play.at, None, None)), session.End | session.Refuse):
            assert not play.recorded
            return
    raise AssertionError(f"still {play.at.state} after {MOST_POSTS} POSTs")


@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([b"", inform(), envelope("<cwmp:GetRPCMethods/>")]), max_size=8),
    WORKS,
)
def test_a_session_of_any_bytes_gives_replies(bodies: list[bytes], works: list[CpeWork]) -> None:
    play = Play(list(works), [])
    for body in bodies:
        read = read_or_refused(body)
        said = session.Unreadable(read) if isinstance(read, SoapError) else read
        assert isinstance(play.post(said), session.Action)


def mutated(body: bytes, seed: int) -> bytes:
    """The body with a few pieces cut out, doubled, moved or overwritten."""
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 6)):
        start = draw.randrange(len(body) + 1)
        piece = body[start : start + draw.choice((1, 4, 40, 400))]
        put = draw.choice(
            (b"", piece + piece, draw.randbytes(3), b"<", b">", b"&", b"]]>", b"<![CDATA[", b"\0", b"<a>")
        )
        where = draw.randrange(len(body) + 1) if draw.random() < 0.3 else start
        body = body.replace(piece, b"", 1) if not put else body[:where] + put + body[where + len(piece) :]
    return body


@pytest.fixture(scope="module")
def captures(data_folder: Path) -> list[bytes]:
    """What real devices sent; skips where that is absent."""
    found = [path.read_bytes() for path in sorted((data_folder / "cwmp").glob("*.xml"))]
    if not found:
        pytest.skip(f"no captures in {data_folder}/cwmp")
    return found


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 2**32)), min_size=1, max_size=3))
def test_any_damage_to_what_real_devices_sent_is_a_message_or_refused_and_a_session_goes_through_it(
    captures: list[bytes], chosen: list[tuple[int, int]]
) -> None:
    play = Play([CpeWork(1, Cause.ASKED, "1", cpe_tasks.Read(paths=("Device.",)))], [])
    for number, seed in chosen:
        read = read_or_refused(mutated(captures[number % len(captures)], seed))
        if isinstance(read, SoapError):
            assert read.what
            assert read.where
            play.post(session.Unreadable(read))
        else:
            play.post(read)
