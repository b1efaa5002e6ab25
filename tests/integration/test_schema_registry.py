"""Records by the schemas of a real registry: Avro, Protobuf and JSON Schema, with schemas that rest on others."""

from __future__ import annotations

import base64
import io
import json
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import fastavro
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

from tests.integration.conftest import MakeSystem
from tests.polling import poll_until
from tests.services.apicurio import ApicurioRegistry, registry_home
from tests.services.command import run_command
from tests.services.kafka.distribution import DistributionError
from tests.services.kafka_client import Record

AT = 1_793_923_334
NOBODYS = 987_654


@pytest.fixture(scope="module")
def registry() -> Iterator[ApicurioRegistry]:
    try:
        registry_home()
    except DistributionError as reason:
        pytest.skip(f"needs a schema registry: {reason}")
    with ApicurioRegistry() as running:
        yield running


PRICE = {"type": "record", "name": "Price", "namespace": "shop", "fields": [{"name": "cents", "type": "long"}]}
CART = {
    "type": "record",
    "name": "Cart",
    "namespace": "shop",
    "fields": [{"name": "total", "type": "Price"}, {"name": "items", "type": "int"}],
}
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "who", "type": "string"},
        {"name": "what", "type": "string"},
        {"name": "at", "type": "long"},
        {"name": "cart", "type": ["null", "shop.Cart"]},
        {"name": "refund", "type": ["null", "shop.Price"]},
    ],
}
FLAT = {"type": "record", "name": "Flat", "fields": [{"name": name, "type": "string"} for name in ("who", "what")]}
FLAT["fields"].append({"name": "at", "type": "long"})  # type: ignore[attr-defined]

PRICE_PROTO = 'syntax = "proto3"; package shop.money; message Price { int64 cents = 1; }'
CART_PROTO = (
    'syntax = "proto3"; package shop; import "shop/money/price.proto"; '
    "message Cart { shop.money.Price total = 1; int32 items = 2; }"
)
ORDER_PROTO = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "shop/cart.proto";
import "shop/money/price.proto";
message Other { string who = 1; }
message Envelope {
  message Ignored { string who = 1; }
  message Order {
    string who = 1;
    string what = 2;
    google.protobuf.Timestamp at = 3;
    Cart cart = 4;
    shop.money.Price refund = 5;
  }
}
"""
FLAT_PROTO = 'syntax = "proto3"; package shop; message Flat { string who = 1; string what = 2; int64 at = 3; }'

JSON_ORDER = {"type": "object", "properties": {"who": {"type": "string"}, "what": {"type": "string"}}}

#: What each record says; without references no cart fits in.
SAYS = {"who": "maria", "what": "bought"}
IN_CART = {"cart": {"total": {"cents": 2_450}, "items": 3}, "refund": {"cents": 50}}
PROPERTIES = {"cents": 2_450, "items": 3, "refund": 50}


def avro(schemas: Sequence[dict[str, Any]], value: dict[str, Any]) -> bytes:
    """Write a value by the last schema."""
    named: dict[str, Any] = {}
    parsed = [fastavro.parse_schema(schema, named) for schema in schemas][-1]
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, parsed, value)
    return stream.getvalue()


def protobuf(folder: Path, files: dict[str, str], message: str, value: dict[str, Any]) -> bytes:
    """Write a message out of the last file."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    well_known = Path(protoc.__file__).parent / "_proto"
    options = [f"-I{folder}", f"-I{well_known}", "--include_imports", f"--descriptor_set_out={folder / 'set'}"]
    assert protoc.main(["protoc", *options, *list(files)[-1:]]) == 0
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString((folder / "set").read_bytes()).file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(message))(**value).SerializeToString()


class Written(NamedTuple):
    """A value with the id of its schema, and what is read of it."""

    schema: int
    body: bytes
    properties: dict[str, Any]

    @property
    def framed(self) -> bytes:
        """The value in its frame."""
        return b"\x00" + struct.pack(">I", self.schema) + self.body


def plain_avro(registry: ApicurioRegistry, name: str, _folder: Path) -> Written:
    """Write Avro by a schema that stands alone."""
    return Written(registry.register(name, json.dumps(FLAT)), avro([FLAT], {**SAYS, "at": AT}), {})


def avro_with_references(registry: ApicurioRegistry, name: str, _folder: Path) -> Written:
    """Write Avro by a schema that names types of two others, of which one names the other."""
    registry.register(f"{name}-price", json.dumps(PRICE))
    price = {"name": "shop.Price", "subject": f"{name}-price", "version": 1}
    registry.register(f"{name}-cart", json.dumps(CART), references=[price])
    cart = {"name": "shop.Cart", "subject": f"{name}-cart", "version": 1}
    schema = registry.register(name, json.dumps(ORDER), references=[cart, price])
    return Written(schema, avro([PRICE, CART, ORDER], {**SAYS, "at": AT, **IN_CART}), PROPERTIES)


def plain_protobuf(registry: ApicurioRegistry, name: str, folder: Path) -> Written:
    """Write the first message of a file."""
    body = protobuf(folder, {"flat.proto": FLAT_PROTO}, "shop.Flat", {**SAYS, "at": AT})
    return Written(registry.register(name, FLAT_PROTO, "PROTOBUF"), b"\x00" + body, {})


def protobuf_with_references(registry: ApicurioRegistry, name: str, folder: Path) -> Written:
    """Write a message within the second one of a file that imports three others."""
    registry.register(f"{name}-price", PRICE_PROTO, "PROTOBUF")
    price = {"name": "shop/money/price.proto", "subject": f"{name}-price", "version": 1}
    registry.register(f"{name}-cart", CART_PROTO, "PROTOBUF", [price])
    cart = {"name": "shop/cart.proto", "subject": f"{name}-cart", "version": 1}
    schema = registry.register(name, ORDER_PROTO, "PROTOBUF", [cart, price])
    files = {"shop/money/price.proto": PRICE_PROTO, "shop/cart.proto": CART_PROTO, "order.proto": ORDER_PROTO}
    body = protobuf(folder, files, "shop.Envelope.Order", {**SAYS, "at": {"seconds": AT}, **IN_CART})
    return Written(schema, b"\x04\x02\x02" + body, PROPERTIES)


def json_schema(registry: ApicurioRegistry, name: str, _folder: Path) -> Written:
    """Write JSON in a frame."""
    schema = registry.register(name, json.dumps(JSON_ORDER), "JSON")
    return Written(schema, json.dumps({**SAYS, "at": AT, **IN_CART}).encode(), PROPERTIES)


Write = Callable[[ApicurioRegistry, str, Path], Written]
FORMS: dict[str, tuple[str, Write]] = {
    "avro": ("avro", plain_avro),
    "avro_references": ("avro", avro_with_references),
    "protobuf": ("protobuf", plain_protobuf),
    "protobuf_references": ("protobuf", protobuf_with_references),
    "json_schema": ("json_schema", json_schema),
}

#: What a value is whose first byte is none of it.
BAD = {"avro": "not_avro", "protobuf": "not_framed", "json_schema": "invalid_utf8"}


def source(name: str, topic: str) -> str:
    """Write the source of a form."""
    return f"""
[sources.{name}]
topic = "{topic}"
channel = "clickstream"
encoding = "{FORMS[name][0]}"
customer = "{{who}}-{name}"
type = "what"
time = "at"
properties = {{ cents = "cart.total.cents", items = "cart.items", refund = "refund.cents" }}
"""


CHANNEL = '[window]\nlength = "30d"\n[channels.clickstream]\ntopic = "NAMESPACE-own"\nweights = { bought = 3 }\n'


@pytest.mark.parametrize("name", FORMS)
def test_a_record_is_read_by_the_schema_that_the_registry_has(
    registry: ApicurioRegistry, name: str, tmp_path: Path
) -> None:
    written = FORMS[name][1](registry, f"try-{name}-value", tmp_path)
    policy, records = tmp_path / "policy.toml", tmp_path / "records.jsonl"
    policy.write_text(CHANNEL + source(name, "orders"))
    tried = (written, written._replace(schema=NOBODYS), written._replace(body=b"\xff" + written.body))
    packed = [base64.b64encode(each.framed).decode() for each in tried]
    records.write_text("\n".join([json.dumps({"headers": {}, "value_base64": value}) for value in packed]))
    arguments = ("source", "try", str(records), "--source", name, "--policy", str(policy), "--json")
    done = run_command({"ENGAGEMENT_SCHEMA_REGISTRY_URL": registry.url}, *arguments)
    good, nobodys, bad = map(json.loads, done.stdout.splitlines())
    numbers = {key: float(value) for key, value in good.pop("properties").items()}
    assert good == {
        "record": 0,
        "part": 0,
        "customer_id": f"maria-{name}",
        "channel": "clickstream",
        "type": "bought",
        "timestamp": "2026-11-06T00:02:14Z",
    }
    assert numbers == written.properties
    assert nobodys.get("dead_letter") == (None if name == "json_schema" else "schema_unknown")
    assert bad["dead_letter"] == BAD[FORMS[name][0]]


async def test_records_of_all_encodings_score_once_a_registry_answers_that_did_not(
    registry: ApicurioRegistry, make_system: MakeSystem, tmp_path: Path
) -> None:
    policy = CHANNEL + "".join(source(name, f"NAMESPACE-{name}") for name in FORMS)
    system = make_system(policy.replace('time = "at"', 'time = "@timestamp"'), session_timeout=6)
    await system.create_topics(partitions=1)
    values = {
        name: write(registry, f"{system.namespace}-{name}", tmp_path / name) for name, (_, write) in FORMS.items()
    }
    with system.worker(schema_registry_url=registry.url) as worker:
        with registry.silent():
            for name, written in values.items():
                nobodys = written._replace(schema=NOBODYS)
                await system.send_raw(name, [Record(each.framed, at=time.time()) for each in (written, nobodys)])
            await poll_until(lambda: "schema registry" in worker.get("/ready")[1], 30)
            assert not any(system.score(f"maria-{name}") for name in FORMS if name != "json_schema")
            assert await system.dead_letters() == []
        for name in FORMS:
            await system.wait_for_score(f"maria-{name}", "6" if name == "json_schema" else "3")
        await poll_until(lambda: worker.status("/ready") == 200, 30)
        letters = await poll_until(system.dead_letters, 30)
        assert {dict(letter.headers)["dlq.reason"] for letter in letters} == {b"schema_unknown"}
