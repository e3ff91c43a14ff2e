"""Who passes as a CPE: the RFCs' own examples, and everything that must not pass."""

import base64
from dataclasses import replace

import pytest

from ztpd.acs import digest
from ztpd.acs.authentication import Accounts, Authenticator
from ztpd.acs.digest import Algorithm, Credentials, DigestAnswer, NonceKey, Verdict
from ztpd.acs.replay import NonceCounts

RFC7616 = Credentials("http-auth@example.org", "Mufasa", "Circle of Life", offered=(Algorithm.SHA256, Algorithm.MD5))
RFC7616_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
RFC7616_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
MD5_RESPONSE = "8ca523f5e9506fed4657c9700eebdbec"
SHA256_RESPONSE = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
TARGET = "/dir/index.html"
ACS = Credentials("ztpd", "cpe", "sentinel")


def rfc_answer(algorithm: str, response: str) -> str:
    named = f"algorithm={algorithm}, " if algorithm else ""
    return (
        f'Digest username="Mufasa", realm="http-auth@example.org", uri="{TARGET}", {named}nonce="{RFC7616_NONCE}", '
        f'nc=00000001, cnonce="{RFC7616_CNONCE}", qop=auth, response="{response}", opaque="x"'
    )


def parsed(header: str) -> DigestAnswer:
    answer = digest.parse_authorization(header)
    assert isinstance(answer, DigestAnswer)
    return answer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Cpe:
    """Answers the challenges of an authenticator as RFC 7616 says."""

    def __init__(self, authenticator: Authenticator, password: str = "sentinel") -> None:
        self.authenticator = authenticator
        self.password = password
        self.nonce = authenticator.challenges(stale=False)[0].split('nonce="')[1].split('"')[0]

    def header(self, *, count: int = 1, qop: bool = True, uri: str = "/acs", scheme: Algorithm = Algorithm.MD5) -> str:
        ha1 = scheme.of(f"cpe:ztpd:{self.password}")
        ha2 = scheme.of(f"POST:{uri}")
        middle = f"{self.nonce}:{count:08x}:c:auth" if qop else self.nonce
        tail = f', qop="auth", nc={count:08x}, cnonce="c"' if qop else ""
        response = scheme.of(f"{ha1}:{middle}:{ha2}")
        named = "" if scheme is Algorithm.MD5 else f", algorithm={scheme}"
        head = f'Digest username="cpe", realm="ztpd", nonce="{self.nonce}", uri="{uri}", response="{response}"'
        return head + named + tail

    def post(self, header: str | None) -> Verdict:
        return self.authenticator.judge(header, "POST", "/acs").verdict


@pytest.mark.parametrize(
    ("algorithm", "response"), [("MD5", MD5_RESPONSE), ("", MD5_RESPONSE), ("SHA-256", SHA256_RESPONSE)]
)
def test_the_examples_of_rfc_7616_are_authentic(algorithm: str, response: str) -> None:
    assert digest.is_authentic(parsed(rfc_answer(algorithm, response)), RFC7616, "GET", TARGET)


def test_an_answer_without_qop_is_authentic() -> None:
    credentials = Credentials("testrealm@host.com", "Mufasa", "Circle Of Life")
    nonce, response = "dcd98b7102dd2f0e8b11d0f600bfb0c093", "670fd8c2df070c60b045671b8b24ff02"
    answer = DigestAnswer("Mufasa", "testrealm@host.com", nonce, TARGET, response)
    assert digest.is_authentic(answer, credentials, "GET", TARGET)


@pytest.mark.parametrize(
    "change",
    [
        {"username": "Scar"},
        {"realm": "elsewhere"},
        {"nonce": "x"},
        {"uri": "/other"},
        {"response": "0" * 32},
        {"response": ""},
        {"algorithm": "SHA-256"},
        {"algorithm": "MD5-sess"},
        {"algorithm": "none"},
        {"nonce_count": "00000002"},
        {"cnonce": "other"},
        {"qop": "auth-int"},
        {"qop": ""},
    ],
)
def test_an_answer_with_anything_changed_is_not(change: dict[str, str]) -> None:
    answer = replace(parsed(rfc_answer("MD5", MD5_RESPONSE)), **change)
    assert not digest.is_authentic(answer, RFC7616, "GET", TARGET)


@pytest.mark.parametrize("name", ["nonce", "uri", "cnonce", "nc", "qop"])
def test_bytes_that_are_no_text_are_refused_like_any_other_wrong_answer(name: str) -> None:
    given = {"nonce": "n", "uri": "/acs", "cnonce": "c", "nc": "00000001", "qop": "auth"} | {name: "\udcff"}
    said = "".join(f', {each}="{text}"' for each, text in given.items())
    answer = parsed(f'Digest username="cpe", realm="ztpd", response="0"{said}')
    assert not digest.is_authentic(answer, ACS, "POST", given["uri"])


def test_an_answer_for_another_method_or_target_is_not() -> None:
    answer = parsed(rfc_answer("MD5", MD5_RESPONSE))
    assert not digest.is_authentic(answer, RFC7616, "POST", TARGET)
    assert not digest.is_authentic(answer, RFC7616, "GET", "/dir/other.html")


def test_md5_is_refused_where_only_sha256_is_offered() -> None:
    strict = replace(RFC7616, offered=(Algorithm.SHA256,))
    assert not digest.is_authentic(parsed(rfc_answer("MD5", MD5_RESPONSE)), strict, "GET", TARGET)


@pytest.mark.parametrize("header", [None, "", "Digest", "Bearer x", "Digest username=a", "Basic !!!", "Basic YQ=="])
def test_headers_that_say_nothing_are_no_answer(header: str | None) -> None:
    assert digest.parse_authorization(header) is None


def test_quotes_are_taken_where_devices_put_them() -> None:
    answer = parsed('digest USERNAME="a\\"b", realm="r",nonce=n , uri="/x",response=AB,qop="auth",nc="00000001"')
    assert (answer.username, answer.nonce, answer.response, answer.qop) == ('a"b', "n", "ab", "auth")
    assert digest.nonce_count(answer) == 1


def test_a_challenge_names_each_algorithm_in_a_header_of_its_own() -> None:
    offered = digest.challenges(replace(RFC7616, basic=True), "n", stale=True)
    assert [challenge.split()[0] for challenge in offered] == ["Digest", "Digest", "Basic"]
    assert "SHA-256" in offered[0]
    assert all("stale=true" in challenge for challenge in offered[:2])


def test_nonces_expire_and_cannot_be_made_up() -> None:
    key = NonceKey(b"k" * 16, lifetime=10)
    nonce = key.issue(100.0, b"saltsalt")
    assert key.is_fresh(nonce, 109.0)
    assert not key.is_fresh(nonce, 111.0)
    assert not NonceKey(b"x" * 16, lifetime=10).is_fresh(nonce, 101.0)
    assert not key.is_fresh("f" + nonce[1:], 101.0)
    assert not key.is_fresh("", 101.0)


class TestAuthenticator:
    @pytest.mark.parametrize("qop", [True, False])
    @pytest.mark.parametrize("scheme", list(Algorithm))
    @pytest.mark.parametrize("uri", ["/acs", "http://acs.example:7547/acs"])
    def test_accepts_who_knows_the_secret(self, qop: bool, scheme: Algorithm, uri: str) -> None:
        cpe = Cpe(Authenticator(Accounts(ACS), Clock()))
        assert cpe.post(cpe.header(qop=qop, scheme=scheme, uri=uri)) is Verdict.ACCEPTED

    def test_refuses_who_does_not(self) -> None:
        cpe = Cpe(Authenticator(Accounts(ACS), Clock()), password="guess")
        assert cpe.post(cpe.header()) is Verdict.REFUSED
        assert cpe.post(None) is Verdict.ABSENT
        assert cpe.post("Digest nonsense") is Verdict.REFUSED

    @pytest.mark.parametrize("qop", [True, False])
    def test_takes_a_recorded_header_once(self, qop: bool) -> None:
        cpe = Cpe(Authenticator(Accounts(ACS), Clock()))
        header = cpe.header(qop=qop)
        assert cpe.post(header) is Verdict.ACCEPTED
        assert cpe.post(header) is Verdict.STALE

    def test_takes_a_nonce_again_under_a_higher_count_only(self) -> None:
        cpe = Cpe(Authenticator(Accounts(ACS), Clock()))
        verdicts = [cpe.post(cpe.header(count=count)) for count in (1, 3, 2, 4)]
        assert verdicts == [Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.STALE, Verdict.ACCEPTED]

    def test_a_right_answer_to_an_old_nonce_is_stale_and_a_wrong_one_refused(self) -> None:
        clock = Clock()
        cpe = Cpe(Authenticator(Accounts(ACS), clock, nonce_seconds=60))
        clock.now += 61
        assert cpe.post(cpe.header()) is Verdict.STALE
        cpe.password = "guess"
        assert cpe.post(cpe.header()) is Verdict.REFUSED

    def test_a_nonce_from_before_a_restart_is_stale(self) -> None:
        before = Cpe(Authenticator(Accounts(ACS), Clock()))
        assert Authenticator(Accounts(ACS), Clock()).judge(before.header(), "POST", "/acs").verdict is Verdict.STALE

    @pytest.mark.parametrize(("secure", "verdict"), [(True, Verdict.ACCEPTED), (False, Verdict.REFUSED)])
    def test_basic_passes_only_where_nobody_can_read_it(self, secure: bool, verdict: Verdict) -> None:
        header = "Basic " + base64.b64encode(b"cpe:sentinel").decode()
        authenticator = Authenticator(Accounts(ACS), Clock())
        assert authenticator.judge(header, "POST", "/acs", secure=secure).verdict is verdict
        offered = [challenge.partition(" ")[0] for challenge in authenticator.challenges(stale=False, secure=secure)]
        assert offered == (["Digest", "Basic"] if secure else ["Digest"])

    def test_no_repr_shows_the_secret(self) -> None:
        assert "sentinel" not in repr(ACS)


def test_nonce_counts_are_bounded() -> None:
    used = NonceCounts(capacity=2)
    assert all(used.use(nonce, 1) for nonce in ("a", "b", "c"))
    assert len(used) == 2
    assert not used.use("c", 1)
