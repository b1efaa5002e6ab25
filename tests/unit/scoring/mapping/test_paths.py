"""Paths, as TOML writes dotted keys."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from scoring.mapping.getters import compile_path
from scoring.mapping.paths import AROUND, HERE, ROOT, Find, parse_each, parse_path

KAFKA = SimpleNamespace(
    key=b"k", headers=[("ce_id", b"1"), ("a.b", b"2"), ("ce_id", b"3")], timestamp=1_790_000_000_000
)
DEEP = {
    "a": {"b-c": {"d": 1}, "x.y": 2, "$id": 3, "list": [{"k": "v"}, {"k": 5, "deep": {"k": True}}, "text"]},
    "$insert_id": "i",
    "two words": 4,
    "nothing": None,
}


def found(text: str, value: Any = DEEP) -> Any:
    return compile_path(parse_path(text), 0).get((KAFKA, value, value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b-c.d", 1),
        ('a."x.y"', 2),
        ("a.'x.y'", 2),
        ("a.$id", 3),
        ('a."$id"', 3),
        ("$insert_id", "i"),
        ("$.a.b-c.d", 1),
        ("@.a.b-c.d", 1),
        ('"two words"', 4),
        ("two words", 4),
        ('"two\\u0020words"', 4),
        ("a.list[0].k", "v"),
        ("a.list[k=v].k", "v"),
        ("a.list[k=5].deep.k", True),
        ("a.list[ k = 'v' ].k", "v"),
        ("a.list[deep.k=true].k", 5),
        ("a.list[2]", "text"),
        ("nothing", None),
        ("a.list[3]", None),
        ("a.list[k=w].k", None),
        ("a.b-c.d.e", None),
        ("a.list.k", None),
        ("a[0]", None),
        ("@", DEEP),
        ("$", DEEP),
        ("@key", "k"),
        ("@timestamp", 1_790_000_000_000),
        ("@header.ce_id", "3"),
        ("@header.a.b", "2"),
        ('@header."a.b"', "2"),
        ("@header.ce_type", None),
    ],
)
def test_a_path_leads_to_the_value_there_or_to_nothing(text: str, value: object) -> None:
    assert found(text) == value


def test_a_path_may_begin_at_an_index() -> None:
    assert found("[1].x", [0, {"x": 7}]) == 7


def test_a_path_says_where_it_starts() -> None:
    assert [parse_path(text).origin for text in ("a", "@.a", "$.a", "^.a", "^.^.a")] == [
        HERE,
        HERE,
        ROOT,
        AROUND,
        AROUND,
    ]
    assert [parse_path(text).up for text in ("a", "^.a", "^.^.a", "^")] == [0, 1, 2, 1]
    assert parse_path("^.^.a").steps == ("a",)


def test_a_search_ends_at_its_bracket() -> None:
    assert parse_path("a[b.c=d.e].f").steps == ("a", Find(("b", "c"), "d.e"), "f")
    assert parse_path('a[b="]"].f').steps == ("a", Find(("b",), "]"), "f")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a[",
        "a[b",
        "a[b=c",
        "a[]",
        "a[-1]",
        'a."b',
        "a b .c",
        "@id",
        "@key.a",
        "@header",
        "a]b",
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_path(text)


def test_a_path_has_at_most_32_steps() -> None:
    assert len(parse_path(".".join("a" * 32)).steps) == 32
    with pytest.raises(ValueError, match="33 steps"):
        parse_path(".".join("a" * 33))


def test_the_arrays_of_each_are_told_from_the_outer_one_inwards() -> None:
    assert parse_each("[]") == ((),)
    assert parse_each("events[]") == (("events",),)
    assert parse_each("entry[].changes[]") == (("entry",), ("changes",))
    assert parse_each("[].a.b[]") == ((), ("a", "b"))
    assert parse_each("$.events[]") == (("events",),)


@pytest.mark.parametrize("text", ["events", "events[].x", "events[0]", ""])
def test_each_ends_in_brackets(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_each(text)
