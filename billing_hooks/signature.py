"""Signing as Standard Webhooks 1.0.0 says ("Signature scheme", "Webhook headers"), by the standard's own library. Pure.

Asymmetric keys (``v1a``) sign beside ``Secret``: ``signed_headers`` joins whatever each key returns.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

from billing_hooks.errors import InvalidSecret

PREFIX: Final = "whsec_"
MIN_BYTES: Final = 24
MAX_BYTES: Final = 64


class Secret:
    """A symmetric signing secret (``whsec_`` and the base64 of 24 to 64 bytes), which never shows itself.

    Surrounding white space, as files have it, is ignored. Raises ``InvalidSecret``, without the text.
    """

    __slots__ = ("_webhook",)

    def __init__(self, text: str) -> None:
        self._webhook = Webhook(_key(text.strip()))

    def sign(self, message_id: str, at: datetime, body: bytes) -> str:
        """``v1,`` and the base64 of HMAC-SHA256 over id, Unix seconds of ``at`` and body, joined by full stops."""
        # The library reads the clock face and takes it for UTC, whatever the offset.
        signature: str = self._webhook.sign(message_id, at.astimezone(UTC), body.decode())
        return signature

    def __repr__(self) -> str:
        return f"Secret({PREFIX}***)"

    __str__ = __repr__


def signed_headers(secrets: Sequence[Secret], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one attempt made ``at`` (aware); one signature for each secret, in their order.

    Two secrets sign while one is being replaced by the other, so that the receiver may change at any time between.
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(secret.sign(message_id, at, body) for secret in secrets),
    }


def _key(text: str) -> bytes:
    if not text.startswith(PREFIX):
        raise InvalidSecret(f"does not start with {PREFIX!r}")
    encoded = text.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSecret("is not base64") from None
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise InvalidSecret(f"has {len(key)} bytes")
    return key
