"""A schema registry is asked once for each schema, and waited for while it does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from scoring.errors import InvalidEvent
from streams.cli.source_lines import WrittenRecord
from streams.errors import RegistryUnavailable
from streams.ingest import schemas
from streams.ingest.encodings import decoder_of
from streams.ingest.schemas import Schema, SchemaRegistry
from streams.settings.security import SchemaAccess, Secret

GUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


class Answers:
    """A server that speaks the part of a registry's API that is used."""

    def __init__(self) -> None:
        """Answer with a schema of texts."""
        self.asked: list[str] = []
        self.status = 200
        self.body: Any = None
        self.others: dict[str, Any] = {}
        self.login = ""
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer, and note what was asked."""
        self.asked.append(request.path_qs)
        self.login = request.headers.get("Authorization", "")
        if self.body is not None:
            return web.Response(body=self.body, status=self.status)
        if request.path_qs in self.others:
            return web.json_response(self.others[request.path_qs])
        if request.path.endswith("8") or "/subjects/" in request.path:
            return web.json_response({"error_code": 40403}, status=404)
        return web.json_response({"schema": '"string"'}, status=self.status)


@pytest.fixture
async def registry() -> AsyncIterator[Answers]:
    answers = Answers()
    app = web.Application()
    app.router.add_get("/api/{way:.*}", answers.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    answers.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    yield answers
    await runner.cleanup()


async def test_each_schema_is_asked_for_once(registry: Answers) -> None:
    client = SchemaRegistry(SchemaAccess(registry.url, "user", Secret("word")))
    await client.look_up(["7", GUID])
    await client.look_up({"7", GUID})
    assert client.get("7") == client.get(GUID) == Schema("AVRO", '"string"')
    assert registry.asked == ["/api/schemas/ids/7", f"/api/schemas/guids/{GUID}"]
    assert registry.login == "Basic dXNlcjp3b3Jk"
    await client.close()


async def test_an_answer_may_come_in_pieces(registry: Answers) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"schema":'
        await asyncio.sleep(0.05)
        yield b'"a long one"}'

    registry.body = pieces()
    client = SchemaRegistry(SchemaAccess(registry.url))
    await client.look_up(["7"])
    assert client.get("7") == Schema("AVRO", "a long one")
    await client.close()


async def test_a_schema_that_nobody_knows_is_asked_for_again_after_a_minute(
    registry: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = SchemaRegistry(SchemaAccess(registry.url))
    await client.look_up(["8"])
    await client.look_up(["8"])
    assert client.get("8") is None
    assert len(registry.asked) == 1
    await client.close()
    monkeypatch.setattr(schemas, "UNKNOWN_FOR", -1.0)
    client = SchemaRegistry(SchemaAccess(registry.url))
    await client.look_up(["8"])
    await client.look_up(["8"])
    assert len(registry.asked) == 3
    await client.close()


async def test_ids_that_nobody_knows_are_not_remembered_for_ever(
    registry: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "UNKNOWN_FOR", -1.0)
    client = SchemaRegistry(SchemaAccess(registry.url))
    await client.look_up(["8", "18", "28"])
    assert [*client._unknown] == ["28"]
    await client.close()


@pytest.mark.parametrize(("status", "body"), [(500, None), (401, None), (200, "no JSON"), (200, "[]"), (200, "{}")])
async def test_any_other_answer_is_waited_out(registry: Answers, status: int, body: str | None) -> None:
    registry.status, registry.body = status, body
    client = SchemaRegistry(SchemaAccess(registry.url))
    with pytest.raises(RegistryUnavailable):
        await client.look_up(["7"])
    registry.status, registry.body = 200, None
    await client.look_up(["7"])
    assert client.get("7") is not None
    await client.close()


def rests_on(name: str, subject: str, version: int = 1) -> dict[str, Any]:
    """Write a reference."""
    return {"name": name, "subject": subject, "version": version}


async def test_schemas_that_one_rests_on_are_asked_for_once_each_and_those_below_them_stand_first(
    registry: Answers,
) -> None:
    below, above = rests_on("b", "of b/c", 4), rests_on("a", "of a")
    registry.others = {
        "/api/schemas/ids/7": {"schema": "top", "references": [above, below]},
        "/api/subjects/of%20a/versions/1?deleted=true": {"schema": "middle", "references": [below]},
        "/api/subjects/of%20b%2Fc/versions/4?deleted=true": {"schema": "bottom"},
    }
    client = SchemaRegistry(SchemaAccess(registry.url))
    await client.look_up(["7"])
    assert client.get("7") == Schema("AVRO", "top", references=(("b", "bottom"), ("a", "middle")))
    assert registry.asked == list(registry.others)
    await client.close()


async def test_references_that_lead_in_a_circle_end(registry: Answers) -> None:
    registry.others = {
        "/api/schemas/ids/7": {"schema": "top", "references": [rests_on("a", "a")]},
        "/api/subjects/a/versions/1?deleted=true": {"schema": "a's", "references": [rests_on("b", "b")]},
        "/api/subjects/b/versions/1?deleted=true": {"schema": "b's", "references": [rests_on("a", "a")]},
    }
    client = SchemaRegistry(SchemaAccess(registry.url))
    await client.look_up(["7"])
    found = client.get("7")
    assert found is not None
    assert dict(found.references) == {"a": "a's", "b": "b's"}
    await client.close()


async def test_a_schema_that_rests_on_one_that_is_not_there_is_of_no_use(registry: Answers) -> None:
    registry.others = {"/api/schemas/ids/7": {"schema": "top", "references": [rests_on("a", "gone", 2)]}}
    client = SchemaRegistry(SchemaAccess(registry.url))
    await client.look_up(["7"])
    found = client.get("7")
    assert found is not None
    assert found.problem == "it rests on version 2 of gone, which the registry does not have"
    with pytest.raises(InvalidEvent, match="schema_unknown: schema 7: it rests on version 2 of gone"):
        decoder_of("avro", client)(WrittenRecord(None, b"\x00\x00\x00\x00\x07"))
    await client.close()


async def test_references_that_are_written_otherwise_are_waited_out(registry: Answers) -> None:
    registry.others = {"/api/schemas/ids/7": {"schema": "top", "references": [{"name": "a"}]}}
    client = SchemaRegistry(SchemaAccess(registry.url))
    with pytest.raises(RegistryUnavailable, match="schema 7"):
        await client.look_up(["7"])
    await client.close()


async def test_a_file_of_protobuf_is_compiled_and_one_that_protoc_refuses_is_of_no_use(registry: Answers) -> None:
    written = 'syntax = "proto3"; import "a.proto"; message B { A a = 1; }'
    registry.others = {
        "/api/schemas/ids/7": {"schemaType": "PROTOBUF", "schema": written, "references": [rests_on("a.proto", "a")]},
        "/api/subjects/a/versions/1?deleted=true": {"schema": 'syntax = "proto3"; message A { int32 n = 1; }'},
        "/api/schemas/ids/9": {"schemaType": "PROTOBUF", "schema": written},
    }
    client = SchemaRegistry(SchemaAccess(registry.url))
    await client.look_up(["7", "9"])
    decode = decoder_of("protobuf", client)
    assert decode(WrittenRecord(None, b"\x00\x00\x00\x00\x07\x00\x0a\x02\x08\x05")) == {"a": {"n": 5}}
    with pytest.raises(InvalidEvent, match=r"schema 9: protoc refuses it: a\.proto: File not found"):
        decode(WrittenRecord(None, b"\x00\x00\x00\x00\x09\x00"))
    await client.close()


@pytest.mark.parametrize("fault", [OSError("no room"), ValueError("wrong")])
async def test_a_compiler_that_cannot_run_is_waited_for(
    registry: Answers, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.others = {"/api/schemas/ids/7": {"schemaType": "PROTOBUF", "schema": "message A {}"}}

    def fail(*_: object) -> str:
        raise fault

    client = SchemaRegistry(SchemaAccess(registry.url))
    with monkeypatch.context() as patch:
        patch.setattr(schemas, "compile_proto", fail)
        if isinstance(fault, OSError):
            with pytest.raises(RegistryUnavailable, match="schema 7"):
                await client.look_up(["7"])
        else:
            await client.look_up(["7"])
    await client.look_up(["7"])
    found = client.get("7")
    assert found is not None
    assert found.problem == ("" if isinstance(fault, OSError) else "protoc refuses it: wrong")
    await client.close()


async def test_a_registry_that_is_not_there_is_waited_for() -> None:
    client = SchemaRegistry(SchemaAccess("http://127.0.0.1:9/"))
    with pytest.raises(RegistryUnavailable, match="does not answer for schema 7"):
        await client.look_up(["7"])
    await client.close()
