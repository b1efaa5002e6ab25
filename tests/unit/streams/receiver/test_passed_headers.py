"""Which headers of a request go along into Kafka."""

from __future__ import annotations

from multidict import CIMultiDict

from streams.policy_file.document import parse_policy
from streams.receiver.passed_headers import PassedHeaders

POLICY = parse_policy("""
[channels.commerce]
weights = { purchase = 1 }
[channels.clickstream]
weights = { page_view = 1 }
[sources.shop]
format = "shopify"
[sources.events]
format = "cloudevents"
[sources.web]
format = "segment"
[sources.own]
channel = "commerce"
customer = ["user", { path = "@header.X-User" }]
type = "{@header.ce_type}.{kind}"
time = "at"
when = { "@header.X-Tenant" = "eu" }
unless = { a = { same_as = "@header.X-Not" } }
[[sources.own.links]]
id = "@header.X-Old"
customer = "user"
""")


def passed(name: str, **headers: str) -> dict[str, bytes]:
    """Give the headers that go along for a source."""
    (source,) = [source for source in POLICY.sources if source.name == name]
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return dict(PassedHeaders(source).of(named))


def test_those_that_a_preset_reads_go_along_by_the_names_by_which_it_reads_them() -> None:
    found = passed("shop", x_shopify_topic="orders/create", X_SHOPIFY_EVENT_ID="5", x_shopify_hmac_sha256="secret")
    assert found == {"X-Shopify-Topic": b"orders/create", "X-Shopify-Event-Id": b"5"}


def test_the_attributes_of_cloudevents_go_along_as_kafka_has_them() -> None:
    found = passed("events", CE_ID="1", ce_source="/shop", content_type="application/json", host="here")
    assert found == {"ce_id": b"1", "ce_source": b"/shop", "content-type": b"application/json"}


def test_every_place_in_which_a_source_names_a_header_is_found() -> None:
    given = {"x_user": "a", "ce_type": "b", "x_tenant": "c", "x_not": "d", "x_old": "e"}
    assert passed("own", **given, x_other="f").keys() == {"X-User", "ce_type", "X-Tenant", "X-Not", "X-Old"}


def test_a_source_that_reads_no_header_gets_none() -> None:
    assert passed("web", content_type="application/json", authorization="Basic a2V5Og==") == {}
