"""Whether the vendor has sent a webhook: the schemes of signatures that vendors publish, one row of `SCHEMES` each.

Rests on decision 89.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from streams.errors import ExtraMissing, RequestRefused

NONE: Final = "none"
_UNAUTHORIZED: Final = 401
_STRIPE_SECONDS: Final = 300

#: Checks a body against its headers with a key. Returns the time that was signed, in Unix seconds, 0 for none; raises
#: RequestRefused with the reason.
_Check = Callable[[Any, Mapping[str, str], bytes], float]


class Scheme(NamedTuple):
    """How a vendor signs: the `check`, the `key` that it makes of a secret, and the age of a signature in seconds.

    Of a scheme whose vendor names no age, any is taken: what is sent again is the vendor's own retry.
    """

    check: _Check
    key: Callable[[str], Any] = str.encode
    seconds: float = 0.0


class Signature:
    """A scheme with a secret."""

    def __init__(self, scheme: str, secret: str, seconds: float | None = None) -> None:
        """Make the key.

        Args:
            scheme: one of `SCHEMES`.
            secret: as the vendor gives it.
            seconds: how old a signature may be, 0 for any age; None for what the vendor says.

        Raises:
            ExtraMissing: if the packages that the scheme needs are not installed.
            ValueError: if the secret is none of this scheme.
        """
        self._check, make_key, usual = SCHEMES[scheme]
        self._key = make_key(secret)
        self._seconds = usual if seconds is None else seconds

    def check(self, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Check a request.

        Args:
            headers: whose names are found in any case.
            body: the bytes that were sent.
            now: Unix seconds.

        Raises:
            RequestRefused: if the signature is missing, wrong or too old.
        """
        signed_at = self._check(self._key, headers, body)
        if self._seconds and abs(now - signed_at) > self._seconds:
            raise _refusal(f"the signature is not from the last {self._seconds:g} s")


def _refusal(why: str) -> RequestRefused:
    return RequestRefused(_UNAUTHORIZED, "unsigned", why)


def _header(headers: Mapping[str, str], name: str) -> str:
    if not (value := headers.get(name, "")):
        raise _refusal(f"the header {name} is missing")
    return value


def _compare(sent: str, expected: str) -> None:
    if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), expected.encode()):
        raise _refusal("the signature does not match")


def _seconds_of(text: str) -> float:
    if not text.isascii() or not text.isdecimal():
        raise _refusal("the time of the signature is no number of seconds")
    return float(text)


def _sendgrid_key(secret: str) -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415
    except ImportError as error:
        raise ExtraMissing("receive", "SendGrid's signature") from error
    try:
        key = load_der_public_key(base64.b64decode(secret, validate=True))
    except (ValueError, binascii.Error) as error:
        raise ValueError("not a verification key of SendGrid, which is one line in base64") from error
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("not a verification key of SendGrid: not one of an elliptic curve")  # noqa: TRY004 - a wrong text
    return key


def _sendgrid(key: Any, headers: Mapping[str, str], body: bytes) -> float:
    """Check as SendGrid's "Signed Event Webhook": ECDSA with SHA-256 over the timestamp and the body.

    The signature is DER in base64; it and the timestamp are headers.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    timestamp = _header(headers, "X-Twilio-Email-Event-Webhook-Timestamp")
    sent = _header(headers, "X-Twilio-Email-Event-Webhook-Signature")
    try:
        signature = base64.b64decode(sent, validate=True)
        key.verify(signature, timestamp.encode("utf-8", "surrogateescape") + body, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise _refusal("the signature does not match") from None
    return _seconds_of(timestamp)


def _mailgun(key: bytes, _headers: Mapping[str, str], body: bytes) -> float:
    """Check as Mailgun's "Securing Webhooks": in the body, hexadecimal HMAC-SHA256 of timestamp and token.

    What is signed is not the body, so this proves where a request comes from only as long as nobody reads along.
    """
    try:
        signature = orjson.loads(body)["signature"]
        timestamp, token, sent = (signature[name] for name in ("timestamp", "token", "signature"))
    except (orjson.JSONDecodeError, LookupError, TypeError):
        raise _refusal("the body has no object `signature` with a timestamp, a token and a signature") from None
    _compare(str(sent), hmac.new(key, f"{timestamp}{token}".encode("utf-8", "replace"), hashlib.sha256).hexdigest())
    return _seconds_of(str(timestamp))


def _stripe(key: bytes, headers: Mapping[str, str], body: bytes) -> float:
    """Check as Stripe's "Verify webhook signatures manually": `Stripe-Signature: t=...,v1=...`, one or more of v1.

    A v1 is hexadecimal HMAC-SHA256 of the timestamp, a dot and the body; while a secret is rolled there is one of each.
    """
    parts = [part.strip().partition("=") for part in _header(headers, "Stripe-Signature").split(",")]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    signed_at = _seconds_of(timestamp)
    expected = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()
    sent = [value.encode("utf-8", "surrogateescape") for name, _, value in parts if name == "v1"]
    if not any(hmac.compare_digest(value, expected) for value in sent):
        raise _refusal("the signature does not match")
    return signed_at


def _shopify(key: bytes, headers: Mapping[str, str], body: bytes) -> float:
    """Check as Shopify's "Verify the origin of webhooks": a header with HMAC-SHA256 of the body in base64."""
    expected = base64.b64encode(hmac.digest(key, body, hashlib.sha256)).decode()
    _compare(_header(headers, "X-Shopify-Hmac-Sha256"), expected)
    return 0.0


def _segment(key: bytes, headers: Mapping[str, str], body: bytes) -> float:
    """Check as Segment's destination "Webhooks": a header with the hexadecimal HMAC-SHA1 of the body."""
    _compare(_header(headers, "X-Signature"), hmac.new(key, body, hashlib.sha1).hexdigest())
    return 0.0


def _token(key: bytes, headers: Mapping[str, str], _body: bytes) -> float:
    """Check a secret that is no signature: a bearer token, or the password of HTTP's basic authentication.

    For vendors that do not sign but call a URL with a user and a password in it, such as Postmark and Amazon SNS.
    """
    kind, _, word = _header(headers, "Authorization").partition(" ")
    sent = password_of(word)[1] if kind.lower() == "basic" else word.strip()
    if kind.lower() not in ("basic", "bearer") or not hmac.compare_digest(sent.encode("utf-8", "replace"), key):
        raise _refusal("the token is another one")
    return 0.0


def _unsigned(_key: bytes, _headers: Mapping[str, str], _body: bytes) -> float:
    return 0.0


def password_of(word: str) -> tuple[str, str]:
    """Read what HTTP's basic authentication sends.

    Args:
        word: what follows `Basic` in the header.

    Returns:
        User and password; both '' if it cannot be read.
    """
    try:
        user, _, password = base64.b64decode(word.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return "", ""
    return user, password


SCHEMES: Final[dict[str, Scheme]] = {
    "sendgrid": Scheme(_sendgrid, _sendgrid_key),
    "mailgun": Scheme(_mailgun),
    "stripe": Scheme(_stripe, seconds=_STRIPE_SECONDS),
    "shopify": Scheme(_shopify),
    "segment": Scheme(_segment),
    "token": Scheme(_token),
    NONE: Scheme(_unsigned),
}
#: Those that sign a time, whose age can be limited.
TIMED: Final = ("sendgrid", "mailgun", "stripe")
