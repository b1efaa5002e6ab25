"""The signatures of vendors, held against vectors that this code has not made."""

from __future__ import annotations

import base64
import sys

import pytest
from multidict import CIMultiDict

from streams.errors import ExtraMissing, RequestRefused
from streams.receiver.signatures import SCHEMES, Signature

NOW = 1_600_000_000.0
BODY = b'{"id":"evt_1","type":"invoice.paid"}'

#: The vector of SendGrid's own libraries, of which the two bytes at the end are a part.
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8"
    "kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
SENDGRID_HEADERS = {
    "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
    "X-Twilio-Email-Event-Webhook-Signature": (
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
    ),
}
SENDGRID_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
#: Made with `openssl dgst -hmac`.
MAILGUN_BODY = (
    b'{"signature":{"timestamp":"1529006854","token":"a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0",'
    b'"signature":"75dba97d612130bb6fdfc1fe3891a060c5876689e02ce02263d56762b24bbbbf"},"event-data":{}}'
)
STRIPE_V1 = "f7a632a9ffdbb1ced2fc48e44c374ec2cb4292469db292862c06ae703e2befbd"
STRIPE_AT = 1_492_774_577.0
JEFE = b"what do ya want for nothing?"

#: Scheme, secret, headers, body: each is right.
RIGHT = [
    pytest.param("sendgrid", SENDGRID_KEY, SENDGRID_HEADERS, SENDGRID_BODY, id="sendgrid"),
    pytest.param("mailgun", "key-for-mailgun", {}, MAILGUN_BODY, id="mailgun"),
    pytest.param(
        "stripe", "whsec_test_secret", {"Stripe-Signature": f"t=1492774577,v1={STRIPE_V1}"}, BODY, id="stripe"
    ),
    pytest.param(
        "stripe",
        "whsec_test_secret",
        {"Stripe-Signature": f"t=1492774577,v1={'0' * 64},v1={STRIPE_V1},v0={'1' * 64}"},
        BODY,
        id="stripe while its secret is rolled",
    ),
    pytest.param(
        "shopify",
        "shpss_secret",
        {"X-Shopify-Hmac-Sha256": "1oIAX/T2uqq7ahP60FSiKd+h2+6Syh2zPx6kVql0JGQ="},
        BODY,
        id="shopify",
    ),
    pytest.param(
        "shopify",
        "Jefe",
        {
            "X-Shopify-Hmac-Sha256": base64.b64encode(
                bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
            ).decode()
        },
        JEFE,
        id="shopify, RFC 4231",
    ),
    pytest.param("segment", "shared", {"X-Signature": "7e7e73ad298763f189bc39709bf66de4c0937bdb"}, BODY, id="segment"),
    pytest.param(
        "segment", "Jefe", {"X-Signature": "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"}, JEFE, id="segment, RFC 2202"
    ),
    pytest.param("token", "s3cret", {"Authorization": "Bearer s3cret"}, BODY, id="token, bearer"),
    # `aws:s3cret`, as SNS sends it that calls https://aws:s3cret@...
    pytest.param("token", "s3cret", {"Authorization": "Basic YXdzOnMzY3JldA=="}, BODY, id="token, basic"),
]


def check(scheme: str, secret: str, headers: dict[str, str], body: bytes, now: float | None = None) -> None:
    """Check a request, by default at the time at which Stripe's was signed."""
    Signature(scheme, secret).check(CIMultiDict(headers), body, STRIPE_AT if now is None else now)


def refusal(scheme: str, secret: str, headers: dict[str, str], body: bytes, now: float | None = None) -> str:
    """Give the reason why a request is refused, as it must be."""
    with pytest.raises(RequestRefused) as refused:
        check(scheme, secret, headers, body, now)
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (401, "unsigned", 0)
    return str(refused.value)


def test_every_scheme_that_checks_anything_has_a_vector() -> None:
    assert {parameters.values[0] for parameters in RIGHT} == SCHEMES.keys() - {"none"}


@pytest.mark.parametrize(("scheme", "secret", "headers", "body"), RIGHT)
def test_a_right_signature_is_taken_however_the_names_of_headers_are_written(
    scheme: str, secret: str, headers: dict[str, str], body: bytes
) -> None:
    check(scheme, secret, headers, body)
    check(scheme, secret, {name.lower(): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("scheme", "secret", "headers", "body"), [row for row in RIGHT if row.values[0] not in ("mailgun", "token")]
)
def test_a_body_that_was_changed_is_refused(scheme: str, secret: str, headers: dict[str, str], body: bytes) -> None:
    assert refusal(scheme, secret, headers, body + b" ") == "the signature does not match"


@pytest.mark.parametrize(("scheme", "secret", "headers", "body"), [row for row in RIGHT if row.values[0] != "sendgrid"])
def test_another_secret_is_refused(scheme: str, secret: str, headers: dict[str, str], body: bytes) -> None:
    assert refusal(scheme, secret + "x", headers, body) in ("the signature does not match", "the token is another one")


@pytest.mark.parametrize(("scheme", "secret", "headers", "body"), [row for row in RIGHT if row.values[2]])
def test_a_header_that_is_missing_is_named(scheme: str, secret: str, headers: dict[str, str], body: bytes) -> None:
    for name in headers:
        rest = {other: value for other, value in headers.items() if other != name}
        assert refusal(scheme, secret, rest, body) == f"the header {name} is missing"


def test_the_key_of_another_account_of_sendgrid_is_refused() -> None:
    other = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmnMGmPY1QYU72N6wCmFqnDyixrWftlB3VWPVIpXeQCTCtTw5WUm/RJIl7q3bUMU+jqzctrBH"
        "ApNV4RI62E7Lfg=="
    )
    assert refusal("sendgrid", other, SENDGRID_HEADERS, SENDGRID_BODY) == "the signature does not match"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Twilio-Email-Event-Webhook-Timestamp", "1600112503"),
        ("X-Twilio-Email-Event-Webhook-Signature", "not base64!"),
        ("X-Twilio-Email-Event-Webhook-Signature", "aGVsbG8="),
    ],
)
def test_a_wrong_header_of_sendgrid_is_refused(name: str, value: str) -> None:
    headers = {**SENDGRID_HEADERS, name: value}
    assert refusal("sendgrid", SENDGRID_KEY, headers, SENDGRID_BODY) == "the signature does not match"


@pytest.mark.parametrize("secret", ["not base64!", "aGVsbG8=", "-----BEGIN PUBLIC KEY-----"])
def test_what_is_no_key_of_sendgrid_is_said_at_once(secret: str) -> None:
    with pytest.raises(ValueError, match="not a verification key of SendGrid"):
        Signature("sendgrid", secret)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"signature":5}', b'{"signature":{"timestamp":"1"}}'])
def test_a_body_of_mailgun_without_a_signature_is_refused(body: bytes) -> None:
    assert "no object `signature`" in refusal("mailgun", "key-for-mailgun", {}, body)


@pytest.mark.parametrize(
    "header", ["", f"v1={STRIPE_V1}", f"t=,v1={STRIPE_V1}", f"t=1e9,v1={STRIPE_V1}", f"t=٣,v1={STRIPE_V1}", "nonsense"]
)
def test_a_header_of_stripe_without_a_time_is_refused(header: str) -> None:
    refusal("stripe", "whsec_test_secret", {"Stripe-Signature": header}, BODY)


@pytest.mark.parametrize("header", ["t=1492774577", f"t=1492774577,v0={STRIPE_V1}", f"t=1492774578,v1={STRIPE_V1}"])
def test_a_header_of_stripe_without_the_right_v1_is_refused(header: str) -> None:
    message = refusal("stripe", "whsec_test_secret", {"Stripe-Signature": header}, BODY)
    assert message == "the signature does not match"


@pytest.mark.parametrize(("off", "taken"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_of_stripe_is_taken_for_five_minutes(off: float, taken: bool) -> None:  # noqa: FBT001
    headers = {"Stripe-Signature": f"t=1492774577,v1={STRIPE_V1}"}
    if taken:
        check("stripe", "whsec_test_secret", headers, BODY, STRIPE_AT + off)
    else:
        message = refusal("stripe", "whsec_test_secret", headers, BODY, STRIPE_AT + off)
        assert message == "the signature is not from the last 300 s"


def test_an_age_that_is_given_holds_instead_of_the_vendors() -> None:
    signed = Signature("sendgrid", SENDGRID_KEY, 60.0)
    signed.check(CIMultiDict(SENDGRID_HEADERS), SENDGRID_BODY, 1_600_112_502.0 + 60)
    with pytest.raises(RequestRefused, match="not from the last 60 s"):
        signed.check(CIMultiDict(SENDGRID_HEADERS), SENDGRID_BODY, 1_600_112_502.0 + 61)
    stripe = {"Stripe-Signature": f"t=1492774577,v1={STRIPE_V1}"}
    Signature("stripe", "whsec_test_secret", 0.0).check(CIMultiDict(stripe), BODY, NOW)


@pytest.mark.parametrize("header", ["s3cret", "Bearer", "Digest s3cret", "Basic s3cret", "Basic !!", "Basic czNjcmV0"])
def test_what_is_no_token_is_refused(header: str) -> None:
    assert refusal("token", "s3cret", {"Authorization": header}, BODY) == "the token is another one"


def test_sendgrids_signature_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules, "cryptography.hazmat.primitives.asymmetric.ec"]:
        if name.startswith("cryptography"):
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExtraMissing, match=r"SendGrid's signature needs .* 'engagement-streams\[receive\]'"):
        Signature("sendgrid", SENDGRID_KEY)
    Signature("shopify", "s3cret")
