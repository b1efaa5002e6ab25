"""Protobuf files are compiled by protoc, and what it refuses says why."""

from __future__ import annotations

import base64
import subprocess
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from streams.ingest import proto_files
from streams.ingest.proto_files import compile_proto, is_proto_text

TEXT = 'syntax = "proto3"; import "x/a.proto"; import "google/protobuf/timestamp.proto"; message B { x.A a = 1; }'
OTHER = 'syntax = "proto3"; package x; message A { int32 n = 1; }'


def files(text: str, *references: tuple[str, str]) -> list[str]:
    """Compile, and name the files of the set."""
    compiled = base64.b64decode(compile_proto(text, references), validate=True)
    return [file.name for file in descriptor_pb2.FileDescriptorSet.FromString(compiled).file]


def test_the_set_holds_what_is_imported_and_the_file_last() -> None:
    names = files(TEXT, ("x/a.proto", OTHER))
    assert set(names[:-1]) == {"x/a.proto", "google/protobuf/timestamp.proto"}


def test_a_file_may_have_the_name_of_one_that_another_imports() -> None:
    assert files(TEXT.replace("x/a", "value"), ("value.proto", OTHER))[-1] != "value.proto"


@pytest.mark.parametrize(
    ("text", "references", "why"),
    [
        ("nonsense;", (), "1:1: Expected top-level statement"),
        (TEXT, (), "x/a.proto: File not found."),
        (TEXT, (("x/a.proto", "message {"),), "x/a.proto:1:9: Expected message name"),
        ("message A {}", (("../a.proto", ""),), "'../a.proto' is no name of a file"),
        ("message A {}", (("/a.proto", ""),), "'/a.proto' is no name of a file"),
        ("message A {}", (("__value__.proto", ""),), "'__value__.proto' is no name of a file"),
        ("message A {}", (("", ""),), "'' is no name of a file"),
    ],
)
def test_what_is_wrong_says_why(text: str, references: Any, why: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        compile_proto(text, references)
    assert str(refused.value).startswith(why)


def test_a_compiler_that_is_killed_or_hangs_is_a_fault_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], -9, "", "")

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", killed)
        with pytest.raises(OSError, match="signal 9"):
            compile_proto("message A {}")
    monkeypatch.setattr(proto_files, "_SECONDS", 0.001)
    with pytest.raises(OSError, match="did not end"):
        compile_proto("message A {}")


def test_a_text_is_told_from_a_set_of_descriptors() -> None:
    assert is_proto_text("message A {}")
    assert is_proto_text('syntax = "proto3";')
    assert not is_proto_text(compile_proto("message A {}"))
