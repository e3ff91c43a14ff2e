"""Signatures against the standard's own vector and library, and secrets that never show."""

import base64
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from billing_hooks.errors import InvalidSecret
from billing_hooks.signature import Secret, signed_headers

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_KEY = "whsec_" + base64.b64encode(bytes(range(32))).decode()
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=5, minutes=30))])
def test_the_standards_vector(zone: timezone) -> None:
    at = datetime.fromtimestamp(1614265330, zone)
    assert signed_headers([Secret(KEY)], MESSAGE, at, BODY) == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_each_secret_of_a_rotation_verifies_alone() -> None:
    headers = signed_headers([Secret(NEW_KEY), Secret(KEY)], MESSAGE, datetime.now(UTC), BODY)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for key in (KEY, NEW_KEY):
        assert Webhook(key).verify(BODY, headers) == {"test": 2432232314}


def test_a_changed_body_id_or_time_does_not_verify() -> None:
    headers = signed_headers([Secret(KEY)], MESSAGE, datetime.now(UTC), BODY)
    later = str(int(headers["webhook-timestamp"]) + 1)
    for body, forged in [
        (BODY + b" ", headers),
        (BODY, headers | {"webhook-id": "msg_other"}),
        (BODY, headers | {"webhook-timestamp": later}),
    ]:
        with pytest.raises(WebhookVerificationError):
            Webhook(KEY).verify(body, forged)


def test_a_secret_from_a_file_may_end_in_a_newline() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    assert Secret(f"{KEY}\n").sign(MESSAGE, at, BODY) == SIGNATURE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "does not start"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not start"),
        ("whsec_not*base64*at*all*but*long*enough", "is not base64"),
        ("whsec_ünïcode", "is not base64"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "has 23 bytes"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "has 65 bytes"),
    ],
)
def test_an_unusable_secret_is_refused_without_being_shown(text: str, why: str) -> None:
    with pytest.raises(InvalidSecret, match=why) as caught:
        Secret(text)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    encoded = text.removeprefix("whsec_")
    assert not encoded or encoded not in f"{caught.value} {caught.value!r}"


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret(KEY)
    raw = base64.b64decode(KEY.removeprefix("whsec_"))
    for shown in (repr(secret), str(secret), f"{secret}", f"{[secret]}", f"{secret!r:>60}"):
        assert KEY.removeprefix("whsec_") not in shown
        assert repr(raw) not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret, protocol=0)
