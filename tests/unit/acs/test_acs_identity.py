"""Who a CPE is: its names and secrets, what proofs are worth together, and whom a proxy speaks for."""

import base64
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ztpd.acs import certificates
from ztpd.acs.device_secrets import DeviceSecrets, user_names
from ztpd.acs.identity import Account, Identity, Shown, judge
from ztpd.acs.messages import DeviceId
from ztpd.acs.origin import Origin, Proxies, origin_of
from ztpd.acs.rates import Buckets, source_of
from ztpd.domain.cpe import Doubt, Proof

OURS = DeviceId("Acme", "00259e", "HG-8245", "S.1")
NAME, SHORT = "00259E-HG%2D8245-S%2E1", "00259E-S%2E1"
SECRETS = DeviceSecrets(b"sentinel" * 4)


class TestNames:
    def test_a_device_is_named_by_class_and_serial_or_by_serial_alone(self) -> None:
        assert user_names(OURS) == (NAME, SHORT)
        assert user_names(DeviceId("Acme", "00259E", "", "é_1")) == ("00259E-%C3%A9_1",)  # TR-069 §3.4.4: UTF-8

    @pytest.mark.parametrize("nobody", [DeviceId("Acme", "", "ONT", "S1"), DeviceId("Acme", "00259E", "ONT", "")])
    def test_a_device_without_oui_or_serial_has_no_name_and_is_given_nothing(self, nobody: DeviceId) -> None:
        assert user_names(nobody) == ()
        assert SECRETS.management(nobody) == {}

    @given(st.lists(st.text("A-%_0é", max_size=4), min_size=4, max_size=4))
    def test_two_devices_never_share_one(self, parts: list[str]) -> None:
        one, other = DeviceId("", "AA", *parts[:2]), DeviceId("", "AA", *parts[2:])
        if set(user_names(one)) & set(user_names(other)):
            assert one.serial == other.serial


class TestSecrets:
    def test_each_device_purpose_and_key_has_a_secret_of_its_own(self) -> None:
        devices = [OURS, DeviceId("Acme", "00259E", "HG-8245", "S.2"), DeviceId("Acme", "00259E", "HG", "S.1")]
        made = [
            secrets.management(device)[intent]
            for secrets, device in itertools.product([SECRETS, DeviceSecrets(b"another" * 8)], devices)
            for intent in SECRETS.management(device)
            if intent.endswith("password")
        ]
        assert len(set(made)) == len(made) == 18
        assert all(len(str(secret)) == 26 for secret in made)

    def test_what_is_given_is_what_is_accepted(self) -> None:
        values = SECRETS.management(OURS)
        assert values["management.username"] == NAME
        assert (
            SECRETS.password(
                NAME.lower().replace("hg", "HG").replace("s%2", "S%2").replace("%2e", "%2E").replace("%2d", "%2D")
            )
            == values["management.password"]
        ), "the case of an OUI says nothing"
        assert SECRETS.connection_request(OURS) == (NAME, values["management.connection_request.password"])

    @pytest.mark.parametrize("named", ["00259E-HG-8245-S.1", "00259E-S.1", NAME, SHORT])
    def test_a_device_that_an_operator_gave_a_secret_is_given_none(self, named: str) -> None:
        assert DeviceSecrets(SECRETS.key, frozenset({named})).management(OURS) == {}

    def test_the_key_is_never_shown(self) -> None:
        assert "sentinel" not in repr(SECRETS)


SHARED = Account("cpe")
OWN, OWN_SHORT = Account(NAME, NAME), Account(SHORT, SHORT)
OTHERS = Account("00259E-HG%2D8245-S2", "00259E-HG%2D8245-S2")
GIVEN = Account("customer-7", "00259e-S.1", own_scheme=True)
GIVEN_TO_ANOTHER = Account("customer-8", "00259E-S2", own_scheme=True)
PLAIN = Account("00259E-S.1", "00259E-S.1")  # derived secrets are given under escaped names only
ACCOUNTS: Mapping[Account | None, Proof | None] = {
    None: Proof.NONE,
    SHARED: Proof.BOOTSTRAP,
    OWN: Proof.DEVICE,
    OWN_SHORT: Proof.DEVICE,
    GIVEN: Proof.DEVICE,
    OTHERS: None,
    GIVEN_TO_ANOTHER: None,
    PLAIN: None,
}
CERTIFICATES: Mapping[str | None, bool] = {
    None: True,
    "00259E-HG-8245-S.1": True,
    NAME: True,
    "00259e-S.1": True,
    "S.1": True,
    "00259E-S2": False,
    "S2": False,
    "00259E": False,
    "": False,
}


class TestMatrix:
    @pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.name if account else "nobody")
    @pytest.mark.parametrize("certificate", CERTIFICATES)
    def test_what_was_proven_must_fit_the_device(self, account: Account | None, certificate: str | None) -> None:
        by_account, fits = ACCOUNTS[account], CERTIFICATES[certificate]
        found = judge(Shown(account, certificate), OURS)
        if by_account is None or not fits:
            assert (found.proof, found.doubt) == (Proof.NONE, Doubt.MISMATCH)
            assert found.detail
        elif by_account is Proof.DEVICE or certificate is None:
            assert found == Identity(by_account, Doubt.UNPROVEN if by_account is Proof.NONE else None)
        else:
            assert found == Identity(Proof.CERTIFICATE)

    @pytest.mark.parametrize("nobody", [DeviceId("", "", "", ""), DeviceId("Acme", "00259E", "HG-8245", "")])
    @pytest.mark.parametrize("shown", [Shown(OWN), Shown(GIVEN), Shown(None, "S.1"), Shown(None, "")])
    def test_a_device_that_does_not_say_who_it_is_is_nobody(self, nobody: DeviceId, shown: Shown) -> None:
        assert judge(shown, nobody).proof is Proof.NONE


def certificate(common_name: str) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


class TestCertificates:
    def test_a_proxy_tells_whom_they_are_for_in_three_ways(self) -> None:
        made = certificate("00259E-S1")
        der = base64.b64encode(made.public_bytes(Encoding.DER)).decode()
        pem = quote(made.public_bytes(Encoding.PEM).decode())
        assert certificates.of_header(f":{der}:", "rfc9440") == "00259E-S1"
        assert certificates.of_header(pem, "pem") == "00259E-S1"
        assert certificates.of_header("CN=00259E-S1,O=Acme\\, Inc,C=DE", "dn") == "00259E-S1"

    @pytest.mark.parametrize("form", ["rfc9440", "pem", "dn"])
    @pytest.mark.parametrize("text", ["", " ", ":", "::", ":!:", "CN", "O=Acme", "CN=S1+CN=S2", "x" * 20_000, "(null)"])
    def test_what_cannot_be_read_is_for_nobody(self, form: certificates.Format, text: str) -> None:
        assert certificates.of_header(text, form) is None

    @given(st.text(max_size=60), st.sampled_from(["rfc9440", "pem", "dn"]))
    def test_any_text_is_a_name_or_nobody(self, text: str, form: certificates.Format) -> None:
        found = certificates.of_header(text, form)
        assert found is None or isinstance(found, str)

    def test_our_own_tls_tells_the_common_name(self) -> None:
        peer = {"subject": ((("countryName", "DE"),), (("commonName", "00259E-S1"),))}
        assert certificates.of_peer(peer) == "00259E-S1"
        assert certificates.of_peer({}) is None
        assert certificates.of_peer(None) is None


PROXY = (ip_network("10.0.0.0/24"), ip_network("fd00::/64"))
X = Proxies(PROXY)
RFC = Proxies(PROXY, "rfc7239")


class TestOrigin:
    @pytest.mark.parametrize(
        ("proxies", "peer", "headers", "address", "secure"),
        [
            (X, "10.0.0.1", {}, "10.0.0.1", False),
            (X, "192.0.2.1", {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}, "192.0.2.1", False),
            (Proxies(), "10.0.0.1", {"X-Forwarded-For": "1.2.3.4"}, "10.0.0.1", False),
            (X, "10.0.0.1", {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}, "1.2.3.4", True),
            (X, "10.0.0.1", {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https, http"}, "1.2.3.4", False),
            (X, "10.0.0.1", {"X-Forwarded-For": "6.6.6.6, 1.2.3.4, 10.0.0.2"}, "1.2.3.4", False),
            (X, "10.0.0.1", {"X-Forwarded-For": "10.0.0.3, 10.0.0.2"}, "10.0.0.3", False),
            (X, "10.0.0.1", {"X-Forwarded-For": "nonsense, [2001:db8::1]:80, 1.2.3.4:5"}, "1.2.3.4", False),
            (X, "10.0.0.1", {"Forwarded": "for=1.2.3.4;proto=https"}, "10.0.0.1", False),
            (X, "fd00::1", {"X-Forwarded-For": "2001:db8::1"}, "2001:db8::1", False),
            (RFC, "10.0.0.1", {"Forwarded": "for=1.2.3.4;proto=https"}, "1.2.3.4", True),
            (RFC, "10.0.0.1", {"Forwarded": 'for=6.6.6.6;proto=https, For="[2001:db8::1]:80"'}, "2001:db8::1", False),
            (RFC, "10.0.0.1", {"Forwarded": 'for="x,y";proto=http, for=1.2.3.4;proto=https'}, "1.2.3.4", True),
            (RFC, "10.0.0.1", {"Forwarded": "for=unknown;proto=https"}, "10.0.0.1", False),
            (RFC, "10.0.0.1", {"X-Forwarded-For": "1.2.3.4"}, "10.0.0.1", False),
        ],
    )
    def test_it_is_who_the_nearest_trusted_proxy_speaks_for(
        self, proxies: Proxies, peer: str, headers: dict[str, str], address: str, secure: bool
    ) -> None:
        found = origin_of(Origin(peer), lambda name: [headers[name]] if name in headers else [], proxies)
        assert (found.address, found.secure) == (address, secure)

    def test_a_certificate_is_believed_of_a_trusted_proxy_alone_and_only_one(self) -> None:
        proxies = Proxies(PROXY, certificate_header="X-Client-DN", certificate_format="dn")

        def told(peer: str, *values: str) -> str | None:
            return origin_of(Origin(peer), lambda name: values if name == "X-Client-DN" else (), proxies).certificate

        assert told("10.0.0.1", "CN=00259E-S1") == "00259E-S1"
        assert told("192.0.2.1", "CN=00259E-S1") is None
        assert told("10.0.0.1", "CN=00259E-S1", "CN=00259E-S2") is None
        assert origin_of(Origin("10.0.0.1", certificate="S9"), lambda name: (), proxies).certificate is None

    @given(st.text(max_size=80), st.sampled_from([X, RFC]))
    def test_any_header_gives_an_origin(self, text: str, proxies: Proxies) -> None:
        assert origin_of(Origin("10.0.0.1"), lambda name: [text], proxies).address


class TestBuckets:
    def test_a_source_has_its_burst_and_then_its_rate(self) -> None:
        clock = [0.0]
        buckets = Buckets(2.0, 3.0, lambda: clock[0])
        assert [buckets.take("a") for _ in range(4)] == [True, True, True, False]
        assert buckets.take("b")
        clock[0] = 0.5
        assert [buckets.take("a") for _ in range(2)] == [True, False]
        clock[0] = 100.0
        assert [buckets.take("a") for _ in range(4)] == [True, True, True, False]

    def test_only_so_many_sources_are_remembered(self) -> None:
        buckets = Buckets(1.0, 1.0, lambda: 0.0, capacity=3)
        for number in range(100):
            assert buckets.take(str(number))
        assert len(buckets) == 3

    @pytest.mark.parametrize(
        ("address", "source"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("", ""),
            ("fe80::1%eth0", "fe80::/64"),
            ("no:address", "no:address"),
        ],
    )
    def test_a_subscriber_is_one_source(self, address: str, source: str) -> None:
        assert source_of(address) == source
