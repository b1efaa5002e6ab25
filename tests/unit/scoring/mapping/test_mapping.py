"""What a record becomes, part by part: events, links, what is left out, and what is bad."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from scoring.mapping.elements import MOST_ELEMENTS
from scoring.mapping.outcomes import Bad, LeftOut, MappedEvent, MappedLink
from tests.unit.scoring.mapping.reading import EVENT, FIELDS, LATEST, problems_of, read, said

EACH = 'each = "[]"'


def properties_of(value: Any, text: str = "") -> Any:
    """Read a value that is one event, and give its properties."""
    (event,) = read(value, text)
    assert isinstance(event, MappedEvent)
    return event.properties


def test_an_event_has_what_the_source_names() -> None:
    value = {**EVENT, "number": 7, "more": {"a": 1}}
    assert read(value, 'id = "number"\nproperties = "more"') == [
        MappedEvent(0, "clickstream", "maria", "click", 1_790_000_000_000_000, "7", {"a": 1})
    ]
    assert read(EVENT) == [MappedEvent(0, "clickstream", "maria", "click", 1_790_000_000_000_000, None, None)]
    assert properties_of(EVENT, 'id = "number"\nproperties = "more"') == {}


def test_properties_are_an_object_or_named_one_by_one() -> None:
    value = {**EVENT, "a": "1.5", "b": None, "c": {"d": "x"}}
    text = 'properties = { amount = { path = "a", as = "number" }, b = "b", d = ["z", "c.d"], kind = { is = "k" } }'
    assert properties_of(value, text) == {"amount": 1.5, "d": "x", "kind": "k"}
    assert properties_of({**value, "c": "no object"}, 'properties = "c"') == {}


def test_all_of_the_event_may_be_its_properties() -> None:
    assert properties_of(EVENT, 'properties = "."') == EVENT
    assert read([EVENT], f'{EACH}\nproperties = "."')[0].properties == EVENT


@pytest.mark.parametrize(
    ("written", "headers", "customer"),
    [
        ("X-Who", {"X-Who": "maria"}, "maria"),
        ("X-Who", {"x-who": "maria"}, "maria"),
        ("x-who", {"X-WHO": "maria"}, "maria"),
        ("X-Who", {"x-who": "noor", "X-Who": "maria", "X-WHO": "zoe"}, "maria"),
        ("X-Who", {"x-whom": "noor"}, None),
    ],
)
def test_a_header_is_found_whatever_the_case_of_its_name(written: str, headers: dict[str, str], customer: str) -> None:
    kafka = SimpleNamespace(
        key=None, headers=tuple((name, text.encode()) for name, text in headers.items()), timestamp=None
    )
    (outcome,) = read(EVENT, customer=f"@header.{written}", kafka=kafka)
    assert getattr(outcome, "customer", None) == customer


@pytest.mark.parametrize(
    ("key", "written", "count"),
    [
        ("customer", ["a..b", "c", "d["], 2),
        ("id", "{a..b}:{c}:{d[}", 2),
        ("customer", ["{a..b}", {"path": ["x..y", "z["]}], 3),
    ],
)
def test_every_mistake_of_a_value_is_reported(key: str, written: Any, count: int) -> None:
    problems = problems_of("", **{**FIELDS, key: written})
    assert len(problems) == count
    assert all(problem.startswith(f"sources.web.{key}: ") for problem in problems)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("1790000000", 'takes time_format = "s", "ms" or "us"'),
        ("2026-11-18 11:06:40", 'if it is UTC, time_format = "utc" reads it'),
        (1_790_000_000_000_000, 'if it is in microseconds, time_format = "us" reads it'),
    ],
)
def test_a_time_that_another_format_reads_is_refused_with_that_format(written: Any, hint: str) -> None:
    (outcome,) = read({**EVENT, "when": written}, latest=1_800_000_000_000_000)
    assert isinstance(outcome, Bad)
    assert outcome.detail.endswith(hint)


@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        ({"who": None}, "customer_id_missing", "who has no value"),
        ({"who": ""}, "customer_id_empty", 'who is the string ""'),
        ({"who": 1.5}, "customer_id_not_a_string", "who is the number 1.5"),
        ({"who": True}, "customer_id_not_a_string", "who is true"),
        ({"who": {}}, "customer_id_not_a_string", "who is an object"),
        ({"who": "é" * 129}, "customer_id_too_long", "258 bytes"),
        ({"what": None}, "type_missing", "what has no value"),
        ({"what": 5}, "type_not_a_string", "what is the number 5"),
        ({"when": None}, "timestamp_missing", "when has no value"),
        ({"when": ""}, "timestamp_missing", "when has no value"),
        ({"when": "soon"}, "timestamp_invalid", "when: 'soon'"),
        ({"when": LATEST // 1_000 + 1}, "timestamp_in_future", "4000000000001 is more"),
        ({"id": {}}, "event_id_not_a_string", "an object"),
        ({"id": 1.5}, "event_id_not_a_string", "the number 1.5"),
    ],
)
def test_an_event_that_cannot_be_has_the_reasons_of_the_own_shape(change: Any, reason: str, detail: str) -> None:
    (outcome,) = read({**EVENT, **change}, 'id = "id"')
    assert isinstance(outcome, Bad)
    assert (outcome.part, outcome.reason) == (0, reason)
    assert detail in outcome.detail


def test_the_detail_names_the_paths_that_were_tried() -> None:
    (outcome,) = read({}, customer=["userId", "anonymousId"])
    assert outcome == Bad(0, "customer_id_missing", "none of userId, anonymousId has a value")


def test_whole_numbers_become_text_as_customer_and_id_whatever_their_size() -> None:
    (outcome,) = read({**EVENT, "who": 2**63, "id": 5}, 'id = "id"')
    assert (outcome.customer, outcome.id) == ("9223372036854775808", "5")


def test_addresses_are_written_in_lower_case_where_it_is_asked_for_and_other_ids_never() -> None:
    for lower, who, becomes in [
        ("lower", "Maria@Example.NET", "maria@example.net"),
        ("lower", "Maria", "Maria"),
        ("keep", "Maria@Example.NET", "Maria@Example.NET"),
    ]:
        assert said(read({**EVENT, "who": who}, email_ids=lower)) == [(0, becomes)]


def test_the_time_of_the_record_needs_no_format() -> None:
    kafka = SimpleNamespace(key=None, headers=(), timestamp=1_790_000_000_123)
    (outcome,) = read({**EVENT, "when": None}, kafka=kafka, time=["when", "@timestamp"], time_format="s")
    assert outcome.time == 1_790_000_000_123_000


def test_types_are_renamed_moved_to_other_channels_and_left_out() -> None:
    text = 'ignore = ["ping"]\n[types]\nclick = "page_view"\n"mail.opened" = "email.open"\ndotted.name = "other.kind"'

    def becomes(kind: str, **fields: Any) -> Any:
        (outcome,) = read({**EVENT, "what": kind}, text, **fields)
        return (outcome.channel, outcome.type) if isinstance(outcome, MappedEvent) else outcome

    assert becomes("click") == ("clickstream", "page_view")
    assert becomes("mail.opened") == ("email", "open")
    assert becomes("dotted.name") == ("clickstream", "other.kind")
    assert becomes("email.open") == ("clickstream", "email.open")
    assert becomes("ping") == LeftOut(None, "ping")
    assert becomes("else") == ("clickstream", "else")
    assert becomes("else", only_types=True) == LeftOut(None, "else")


def test_what_is_left_out_need_not_be_right() -> None:
    assert read({"what": "ping"}, 'ignore = "ping"') == [LeftOut(None, "ping")]
    assert read({"what": "else"}, "only_types = true") == [LeftOut(None, "else")]
    assert read({"op": "u"}, 'when = { op = "c" }') == [LeftOut(None, "op")]
    assert said(read({"when": 1, "who": "m"}, "only_types = true")) == [(0, "type_missing")]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("when = { a = 1 }", True),
        ("when = { a = 1.0 }", True),
        ("when = { a = true }", False),
        ('when = { a = "1" }', False),
        ("when = { a = [5, 1] }", True),
        ("when = { a = 1, b = true }", False),
        ('when = { "c.d" = "x", c.e = "y" }', True),
        ('when = { "c.d" = "x", c.e = "x" }', False),
        ("when = { b = false }", True),
        ("when = { b = 0 }", False),
        ("when = { a = { present = true } }", True),
        ("when = { empty = { present = true } }", False),
        ("when = { c.d = { present = true } }", True),
        ("when = { c.z = { present = true } }", False),
        ("when = { z = { present = false } }", True),
        ('when = { a = { same_as = "text" } }', True),
        ('when = { a = { same_as = "c.d" } }', False),
        ('when = { z = { same_as = "y" } }', False),
        ('when = { a = { present = true, same_as = "text" } }', True),
        ("when = { a = { equals = 1 } }", True),
        ("when = { a = { equals = true } }", False),
        ("when = { b = { equals = false } }", True),
        ("when = { a = { one_of = [5, 1] } }", True),
        ("when = { a = { at_least = 1 } }", True),
        ("when = { a = { at_least = 1.5 } }", False),
        ("when = { a = { at_most = 1 } }", True),
        ("when = { a = { at_most = 0.5 } }", False),
        ("when = { a = { at_least = 0, at_most = 2 } }", True),
        ("when = { a = { at_least = 0, equals = 2 } }", False),
        ("when = { b = { at_most = 5 } }", False),
        ("when = { text = { at_least = 0 } }", False),
        ("when = { z = { at_most = 5 } }", False),
        ('when = { c.long = { starts_with = "https://docs." } }', True),
        ('when = { c.long = { starts_with = "HTTPS" } }', False),
        ('when = { a = { starts_with = "1" } }', False),
        ('when = { c.long = { contains = "docs" } }', True),
        ('when = { c.long = { contains = "shop" } }', False),
        ("when = { c.long = { contains = 1 } }", False),
        ('when = { tags = { contains = "new" } }', True),
        ('when = { tags = { contains = "ne" } }', False),
        ("when = { tags = { contains = true } }", False),
        ("when = { tags = { contains = 1 } }", True),
        ("when = { a = { contains = 1 } }", False),
        ("unless = { a = 1 }", False),
        ("unless = { a = { at_least = 1 } }", False),
        ('unless = { a = { starts_with = "1" } }', True),
        ("unless = { a = 2 }", True),
        ("unless = { a = 2, b = false }", False),
        ("unless = { z = 1 }", True),
        ('when = { "@header.x" = "y" }', True),
        ('when = { "$.a" = 1 }', True),
    ],
)
def test_conditions_choose_what_is_read(text: str, *, taken: bool) -> None:
    inside = {"d": "x", "e": "y", "long": "https://docs.example.net/a"}
    value = {**EVENT, "a": 1, "b": False, "c": inside, "empty": "", "text": "1", "tags": ["new", 1]}
    kafka = SimpleNamespace(key=None, headers=[("x", b"y")], timestamp=None)
    (outcome,) = read(value, text, kafka=kafka)
    assert isinstance(outcome, MappedEvent) == taken


def test_each_element_of_an_array_is_an_event_and_a_bad_one_does_not_take_the_others_along() -> None:
    value = [EVENT, {**EVENT, "who": None}, 5, {**EVENT, "what": "ping"}, {**EVENT, "who": "noor"}]
    outcomes = read(value, EACH, ignore=["ping"])
    assert said(outcomes) == [(0, "maria"), (1, "customer_id_missing"), (2, "not_an_object"), (3, "-"), (4, "noor")]
    assert outcomes[3] == LeftOut(3, "ping")


def test_an_empty_array_is_no_error() -> None:
    assert read([], EACH) == [LeftOut(None, "no elements")]
    assert read({"a": [{"b": []}, {}]}, 'each = "a[].b[]"') == [LeftOut(None, "no elements")]


def test_elements_reach_what_is_around_them() -> None:
    value = {"id": "r", "entry": [{"id": "e1", "changes": [EVENT, {}]}, {"id": "e2"}, {"id": "e3", "changes": [{}]}]}
    text = 'each = "entry[].changes[]"\ncustomer = ["who", "^.id"]\nid = "{$.id}:{^.^.id}:{^.id}"'
    outcomes = read(value, text, type={"is": "x"}, time={"is": 5})
    assert [(each.part, each.customer, each.id) for each in outcomes] == [
        (0, "maria", "r:r:e1"),
        (1, "e1", "r:r:e1"),
        (2, "e3", "r:r:e3"),
    ]


def test_elements_that_are_no_objects_are_read_by_a_path_to_themselves() -> None:
    value = {"list": ["a", {"name": "b"}, "", None, 5]}
    outcomes = read(value, 'each = "list[]"\ncustomer = ["name", "@"]\ntype = { is = "x" }\ntime = { is = 5 }')
    missing = "customer_id_missing"
    assert said(outcomes) == [(0, "a"), (1, "b"), (2, missing), (3, missing), (4, "5")]


def test_of_several_arrays_the_first_that_is_there_is_read() -> None:
    text = 'each = ["a[].x[]", "a[].y[]", "[]", "b[]"]'
    assert said(read({"a": [{"y": [EVENT]}], "b": [EVENT, EVENT]}, text)) == [(0, "maria")]
    assert said(read([EVENT], text)) == [(0, "maria")]
    assert said(read({"b": [EVENT, EVENT]}, text)) == [(0, "maria"), (1, "maria")]
    assert read({"a": []}, text) == [LeftOut(None, "no elements")]


@pytest.mark.parametrize(
    ("value", "text", "reason"),
    [
        ([EVENT], "", "not_an_object"),
        (5, "", "not_an_object"),
        (None, "", "not_an_object"),
        (5, EACH, "not_an_array"),
        (EVENT, EACH, "not_an_array"),
        ({"a": {}}, 'each = "a[]"', "not_an_array"),
        ({}, 'each = "a[]"', "not_an_array"),
        ({"a": None}, 'each = ["a[]", "b[]"]', "not_an_array"),
        ([EVENT] * (MOST_ELEMENTS + 1), EACH, "too_many_events"),
    ],
)
def test_a_record_without_its_array_or_object_is_bad_as_a_whole(value: Any, text: str, reason: str) -> None:
    assert said(read(value, text)) == [(None, reason)]


def test_an_inner_value_that_is_no_array_is_a_bad_part() -> None:
    outcomes = read({"a": [{"b": [EVENT]}, {"b": 5}, {"b": [EVENT]}]}, 'each = "a[].b[]"')
    assert said(outcomes) == [(0, "maria"), (1, "not_an_array"), (2, "maria")]


def test_10_000_elements_are_read() -> None:
    assert len(read([EVENT] * MOST_ELEMENTS, EACH)) == MOST_ELEMENTS


def test_a_condition_or_a_type_outside_the_elements_leaves_the_whole_record_out() -> None:
    value = {"kind": "delay", "list": [EVENT, EVENT]}
    each = 'each = "list[]"\n'
    for start in ("$", "^"):
        assert read(value, f'{each}when = {{ "{start}.kind" = "open" }}') == [LeftOut(None, f"{start}.kind")]
        assert read(value, f'{each}type = "{start}.kind"\nonly_types = true') == [LeftOut(None, "delay")]
        assert read({"kind": 5}, f'{each}unless = {{ "{start}.kind" = 5 }}') == [LeftOut(None, f"{start}.kind")]
    assert read(value, f"{each}when = {{ what = 5 }}") == [LeftOut(0, "what"), LeftOut(1, "what")]


def test_an_envelope_is_opened_also_where_the_event_is_written_as_text() -> None:
    text = 'unwrap = ["Message", "."]'
    assert said(read({"Message": EVENT}, text)) == [(0, "maria")]
    assert said(read({"Message": '{"who": "m", "what": "c", "when": 5}'}, text)) == [(0, "m")]
    assert said(read(EVENT, text)) == [(0, "maria")]
    assert said(read({**EVENT, "Message": "hello"}, text)) == [(0, "maria")]
    assert said(read({"Message": '[{"who": "m", "what": "c", "when": 5}]'}, f"{text}\n{EACH}")) == [(0, "m")]


def test_the_envelope_is_the_record_and_the_event_is_looked_at_next() -> None:
    value = {"who": "outer", "in": {"who": "inner", "list": [{}], "only": "here"}}
    fields: dict[str, Any] = {"unwrap": "in", "each": "list[]", "type": {"is": "x"}, "time": {"is": 5}}
    assert said(read(value, customer="$.who", **fields)) == [(0, "outer")]
    assert said(read(value, customer="^.who", **fields)) == [(0, "inner")]
    assert said(read(value, customer="$.only", **fields)) == [(0, "here")]


def test_what_is_no_envelope_is_bad_unless_a_condition_leaves_it_out() -> None:
    assert said(read({"Message": "hello"}, 'unwrap = "Message"')) == [(None, "not_json")]
    assert said(read({"Message": 5}, 'unwrap = "Message"')) == [(None, "not_an_object")]
    assert said(read({}, 'unwrap = ["a", "b"]')) == [(None, "not_an_object")]
    for value in ({"Message": "hello", "Type": "Confirmation"}, {"Type": "Confirmation"}):
        text = 'unwrap = "Message"\nwhen = { "$.Type" = "Notification" }'
        assert read(value, text) == [LeftOut(None, "$.Type")]


def test_fields_that_are_json_in_a_text_are_opened() -> None:
    value = {**EVENT, "more": '{"a": {"b": "[1, 2]"}}', "text": "5", "bad": "{"}
    text = 'json = ["more", "more.a.b", "text", "bad", "nothing"]\n[properties]\n'
    written = 'second = "more.a.b[1]"\ntext = "text"\nbad = "bad"'
    assert properties_of(value, text + written) == {"second": 2, "text": "5", "bad": "{"}
    listed = {"list": '[{"who": "m", "what": "c", "when": 5, "more": "{\\"n\\": 1}"}]'}
    assert properties_of(listed, 'each = "list[]"\njson = ["list", "more"]\nproperties = "more"') == {"n": 1}


STRIPE = """
[[events]]
unless = { what = "created" }
[[events]]
when = { what = "created" }
customer = "object.id"
"""


def test_several_readings_of_a_record_each_take_what_is_theirs() -> None:
    assert said(read(EVENT, STRIPE)) == [(0, "maria")]
    assert said(read({**EVENT, "what": "created", "object": {"id": "noor"}}, STRIPE)) == [(0, "noor")]
    assert said(read({**EVENT, "what": "created"}, STRIPE)) == [(0, "customer_id_missing")]


KINDS = """
[[events]]
each = "likes[]"
type = { is = "like" }
[[events]]
each = "posts[]"
type = { is = "post" }
[events.types]
post = "email.post"
"""


def test_readings_of_several_arrays_number_their_parts_on() -> None:
    outcomes = read({"likes": [EVENT, {}], "posts": [EVENT]}, KINDS)
    assert [(each.part, each.channel, each.type) for each in outcomes if isinstance(each, MappedEvent)] == [
        (0, "clickstream", "like"),
        (2, "email", "post"),
    ]
    assert said(outcomes)[1] == (1, "customer_id_missing")
    assert said(read({"posts": [EVENT]}, KINDS)) == [(0, "maria")]
    assert read({"else": []}, KINDS) == [LeftOut(None, "no elements")]
    assert said(read({"posts": 5}, KINDS)) == [(None, "not_an_array")]


LINKS = """
email_ids = "lower"
[[links]]
when = { what = "identify" }
unless = { test = true }
id = "anonymous"
customer = "who"
"""


def test_a_link_is_what_its_conditions_choose_and_left_out_without_either_side() -> None:
    value = {"what": "identify", "anonymous": 5, "who": "Maria@x.net"}
    assert read(value, LINKS) == [MappedLink(0, "5", "maria@x.net")]
    assert read({**value, "who": ""}, LINKS) == [LeftOut(None, "who has no value")]
    assert read({**value, "anonymous": None}, LINKS) == [LeftOut(None, "anonymous has no value")]
    assert read({**value, "anonymous": "maria@X.NET"}, LINKS) == [LeftOut(None, "the same id twice")]
    assert said(read({**value, "anonymous": {}}, LINKS)) == [(0, "id_not_a_string")]
    assert said(read({**value, "test": True, "when": 5}, LINKS)) == [(0, "maria@x.net")]
    assert said(read([value, EVENT], f"{EACH}\n{LINKS}"))[1] == (1, "maria")
