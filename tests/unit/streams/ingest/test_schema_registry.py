"""A schema registry is asked once for each schema, and waited for while it does not answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from streams.errors import RegistryUnavailable
from streams.ingest import schemas
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
        self.login = ""
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer, and note what was asked."""
        self.asked.append(request.path)
        self.login = request.headers.get("Authorization", "")
        if self.body is not None:
            return web.Response(text=self.body, status=self.status)
        if request.path.endswith("/8"):
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


async def test_a_registry_that_is_not_there_is_waited_for() -> None:
    client = SchemaRegistry(SchemaAccess("http://127.0.0.1:9/"))
    with pytest.raises(RegistryUnavailable, match="does not answer for schema 7"):
        await client.look_up(["7"])
    await client.close()
