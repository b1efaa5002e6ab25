"""Schemas by their ids: out of a file, or of a schema registry that answers once for each.

Rests on decisions 74 and 104.
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote

import aiohttp
import orjson

from streams.errors import RegistryUnavailable, SettingsError, why_unreadable
from streams.ingest.proto_files import compile_proto, is_proto_text
from streams.settings.security import SchemaAccess

AVRO: Final = "AVRO"
PROTOBUF: Final = "PROTOBUF"
#: How long it is taken for granted that the registry does not know an id, in seconds.
UNKNOWN_FOR: Final = 60.0
_MOST_BYTES: Final = 8 << 20
_SECONDS: Final = 10.0


class Schema(NamedTuple):
    """A schema: its kind and its text, that of Protobuf compiled to a set of descriptors in base64.

    `message` is the one of a Protobuf file that is meant ('' by index). `references` are name and text of the schemas
    that the text rests on, each behind those that it rests on itself. `problem` is why it is of no use, or ''.
    """

    kind: str
    text: str
    message: str = ""
    references: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    def compiled(self) -> Schema:
        """Give a schema whose text is a set of descriptors where it was that of a Protobuf file.

        Raises:
            OSError: if the compiler cannot run now.
        """
        if self.kind != PROTOBUF or self.problem or not is_proto_text(self.text):
            return self
        try:
            return self._replace(text=compile_proto(self.text, self.references), references=())
        except ValueError as error:
            return self._replace(problem=f"protoc refuses it: {error}")


class Schemas(Protocol):
    """Where schemas come from."""

    def get(self, schema: str) -> Schema | None:
        """Give a schema that has been looked up, None for one that nobody knows."""

    async def look_up(self, schemas: Iterable[str]) -> None:
        """Look schemas up that have not been, so that `get` has them."""

    async def close(self) -> None:
        """Let connections go."""


class SchemaFile:
    """Schemas out of a file, a JSON object by id: an Avro schema itself, or an object as a registry gives it.

    In the latter `schemaType` is AVRO (the default), JSON or PROTOBUF, and `schema` a text. That of PROTOBUF is the
    text of a file, or a set of descriptors in base64 (``protoc --include_imports --descriptor_set_out``); `message` may
    name the message.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        """Read the schemas.

        Args:
            content: of the file.

        Raises:
            ValueError: if one of them is none.
        """
        self._schemas = {_identity(name): _read_schema(name, written) for name, written in content.items()}

    @classmethod
    def read(cls, path: Path) -> SchemaFile:
        """Read a file.

        Args:
            path: of the file.

        Raises:
            SettingsError: if it cannot be read, or is no such file.
        """
        try:
            return cls(orjson.loads(path.read_bytes()))
        except OSError as error:
            raise SettingsError([f"{path}: {why_unreadable(error)}"]) from error
        except AttributeError as error:
            raise SettingsError([f"{path}: must be a JSON object of schemas by their ids"]) from error
        except ValueError as error:
            raise SettingsError([f"{path}: {error}"]) from error

    def get(self, schema: str) -> Schema | None:
        """Give a schema.

        Args:
            schema: its id.
        """
        return self._schemas.get(schema)

    async def look_up(self, schemas: Iterable[str]) -> None:
        """Do nothing, as all are there.

        Args:
            schemas: ids.
        """

    async def close(self) -> None:
        """Do nothing."""


def _identity(name: str) -> str:
    """Write an id as frames give it: a number, or a GUID with its dashes."""
    try:
        return str(int(name)) if name.isdecimal() else str(uuid.UUID(name))
    except ValueError:
        raise ValueError(f"{name!r} is no id of a schema: neither a number nor a GUID") from None


def _read_schema(name: str, written: Any) -> Schema:
    if isinstance(written, dict) and isinstance(written.get("schema"), str) and "type" not in written:
        return Schema(_kind(written), written["schema"], str(written.get("message") or "")).compiled()
    if not isinstance(written, dict | list | str):
        raise ValueError(f"{name}: is no schema")  # noqa: TRY004 - a mistake in a file, as the others
    return Schema(AVRO, orjson.dumps(written).decode())


class SchemaRegistry:
    """Schemas out of a registry that speaks Confluent's API; each is asked for once, as an id never changes."""

    def __init__(self, access: SchemaAccess) -> None:
        """Prepare; nothing is connected yet.

        Args:
            access: its URL, and how to get in.
        """
        self._url = access.url.rstrip("/")
        login = base64.b64encode(f"{access.username}:{access.password.word}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"} if access.username else {}
        self._tls = access.tls
        self._schemas: dict[str, Schema] = {}
        self._unknown: dict[str, float] = {}
        self._session: aiohttp.ClientSession | None = None

    def get(self, schema: str) -> Schema | None:
        """Give a schema that has been looked up; None if the registry does not know it.

        Args:
            schema: its id.
        """
        return self._schemas.get(schema)

    async def look_up(self, schemas: Iterable[str]) -> None:
        """Ask for the schemas that have not been asked for.

        Args:
            schemas: ids.

        Raises:
            RegistryUnavailable: if the registry does not answer, or answers neither with a schema nor that it has none.
        """
        for schema in schemas:
            if schema not in self._schemas and time.monotonic() > self._unknown.get(schema, 0.0):
                found = await self._ask(schema)
                if found is None:
                    now = time.monotonic()
                    # What is no frame may name any number of ids.
                    self._unknown = {each: until for each, until in self._unknown.items() if until > now}
                    self._unknown[schema] = now + UNKNOWN_FOR
                else:
                    self._schemas[schema] = found

    async def close(self) -> None:
        """Let the connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, schema: str) -> Schema | None:
        way = "schemas/ids" if schema.isdecimal() else "schemas/guids"
        answer = await self._get(f"{way}/{quote(schema)}", schema)
        if answer is None:
            return None
        references: dict[str, str] = {}
        try:
            missing = await self._follow(answer, references, schema)
            found = Schema(_kind(answer), answer["schema"], references=tuple(references.items()), problem=missing)
            return await asyncio.to_thread(found.compiled)
        except (OSError, KeyError, TypeError, AttributeError) as error:
            raise RegistryUnavailable(f"schema {schema} cannot be made ready: {type(error).__name__}") from error

    async def _follow(self, answer: Mapping[str, Any], found: dict[str, str], schema: str) -> str:
        """Ask for the schemas that one rests on, and for theirs before them; tell which there is none of, or ''."""
        for each in answer.get("references") or ():
            if each["name"] in found:
                continue
            # The version may have been deleted since; what was written by it is still there.
            way = f"subjects/{quote(each['subject'], safe='')}/versions/{int(each['version'])}?deleted=true"
            other = await self._get(way, schema)
            if other is None:
                return f"it rests on version {each['version']} of {each['subject']}, which the registry does not have"
            found[each["name"]] = ""  # should it lead back here
            missing = await self._follow(other, found, schema)
            if missing:
                return missing
            del found[each["name"]]
            found[each["name"]] = other["schema"]
        return ""

    async def _get(self, way: str, schema: str) -> Any:
        """Ask the registry; None where it does not have it."""
        try:
            async with self._open().get(f"{self._url}/{way}") as response:
                if response.status == HTTPStatus.NOT_FOUND:
                    return None
                response.raise_for_status()
                answer = orjson.loads(await _read(response.content))
                if isinstance(answer, dict) and isinstance(answer.get("schema"), str):
                    return answer
                raise ValueError("no schema")  # noqa: TRY301 - as one that is no JSON
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # The address may hold a password, so it is not repeated.
            message = f"the schema registry does not answer for schema {schema}: {type(error).__name__}"
            if isinstance(error, aiohttp.ClientResponseError):
                message = f"the schema registry answers {error.status} for schema {schema}"
            raise RegistryUnavailable(message) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._tls.context()) if self._tls else None
            self._session = aiohttp.ClientSession(
                headers=self._headers, connector=connector, timeout=aiohttp.ClientTimeout(total=_SECONDS)
            )
        return self._session


async def _read(content: aiohttp.StreamReader) -> bytes:
    """Read an answer, which comes in as many pieces as the network makes of it; of a huge one the beginning."""
    body = b""
    while len(body) < _MOST_BYTES and (piece := await content.read(_MOST_BYTES - len(body))):
        body += piece
    return body


def _kind(answer: Mapping[str, Any]) -> str:
    return str(answer.get("schemaType") or AVRO).upper()


def schemas_from(access: SchemaAccess) -> Schemas | None:
    """Give where schemas come from, as the settings name it.

    Args:
        access: of the settings.

    Returns:
        A registry, not connected yet, or a file; None if neither is named.

    Raises:
        SettingsError: if the file cannot be read.
    """
    if access.file:
        return SchemaFile.read(Path(access.file))
    return SchemaRegistry(access) if access.url else None
