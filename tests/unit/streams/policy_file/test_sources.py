"""Sources in a policy file: what is refused, and how a shape that is known by name is added to."""

from __future__ import annotations

import tomllib

import pytest

from scoring.errors import PolicyError
from scoring.mapping.paths import parse_path
from streams.policy_file.document import parse_policy
from streams.policy_file.sources import read_source
from tests.unit.scoring.mapping.reading import CHANNELS, EVENT, FIELDS, problems_of, read, source

POLICY = """
[channels.clickstream]
weights = { click = 1 }
[channels.email]
weights = { open = 1 }
"""


def test_a_policy_knows_its_sources() -> None:
    policy = parse_policy(POLICY + '[sources.web]\nformat = "segment"\ntopic = "calls"\nsilence_after = "2h"\n')
    (web,) = policy.sources
    assert (web.name, web.topic, web.channel, web.format) == ("web", "calls", "clickstream", "segment")
    assert web.silence_after == 7_200_000_000
    assert parse_policy(POLICY).sources == ()


def test_the_topic_is_named_as_the_source_unless_it_says_otherwise() -> None:
    assert source().topic == "web"


def test_every_mistake_is_told_at_once_with_its_key() -> None:
    text = """
topic = "no topic"
encoding = "xml"
silence_after = "soon"
unwrap = 5
colour = "red"
channel = "shop"
each = "events"
customer = "a..b"
type = "{a"
time_format = "minutes"
email_ids = "upper"
only_types = 1
ignore = [5]
when = { a = [[]] }
unless = 5
json = "a["
properties = { a = 5 }
[types]
click = 5
[[links]]
id = "a["
kind = 5
"""
    found = problems_of(text)
    keys = [problem.partition(": ")[0].removeprefix("sources.web.") for problem in found]
    assert sorted(keys) == sorted(
        [
            *(
                "topic",
                "encoding",
                "silence_after",
                "unwrap",
                "colour",
                "channel",
                "each",
                "customer",
                "type",
                "time",
            ),
            *("time_format", "email_ids", "only_types", "ignore", "when", "unless", "json", "properties.a"),
            *("types.click", "links[0].id", "links[0].kind", "links[0].customer"),
        ]
    )


def test_the_mistakes_of_sources_stand_among_those_of_the_policy() -> None:
    text = "version = 5\n" + POLICY + '[sources.web]\ncustomer = "a"\n[sources.web2]\nformat = "segmint"\n'
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)
    told = "\n".join(refused.value.problems)
    for part in ("version", "sources.web.type: is required", "sources.web.time", "sources.web.channel", "segmint"):
        assert part in told


@pytest.mark.parametrize("key", ["customer", "type", "time", "channel"])
def test_what_a_source_needs_is_told(key: str) -> None:
    left = {name: value for name, value in FIELDS.items() if name != key}
    (problem,) = problems_of("", **left)
    assert problem.startswith(f"sources.web.{key}: is required")


@pytest.mark.parametrize("sources", ["5", "{ web = 5 }"])
def test_sources_are_tables(sources: str) -> None:
    with pytest.raises(PolicyError, match="must be a table"):
        parse_policy(f"sources = {sources}\n" + POLICY)


def test_the_limits_are_told() -> None:
    many = "".join(f'[sources.s{number}]\nformat = "sendgrid"\n' for number in range(21))
    with pytest.raises(PolicyError, match="there are 21; at most 20"):
        parse_policy(POLICY + many)
    types = {f"t{number}": "x" for number in range(999)}
    assert problems_of("", **FIELDS, types=types, ignore=["a"]) == []
    assert "1,001" in problems_of("", **FIELDS, types=types, ignore=["a", "b"])[0]


def test_a_key_that_is_given_replaces_that_of_the_shape_and_types_are_added() -> None:
    table = {
        "channel": "clickstream",
        "format": "segment",
        "customer": "user",
        "types": {"screen": "tap"},
        "ignore": ["track"],
    }
    problems: list[str] = []
    found = read_source("web", table, CHANNELS, problems)
    assert problems == []
    assert found is not None
    (reading,) = found.readings
    types = dict(reading.types)
    assert (types["page"], types["screen"]) == (("clickstream", "page_view"), ("clickstream", "tap"))
    assert reading.ignore == ("track",)
    assert (reading.customer, reading.time) == (parse_path("user"), parse_path("timestamp"))


def test_readings_add_their_types_to_those_of_the_source() -> None:
    text = '[types]\nclick = "a"\nother = "b"\n[[events]]\n[events.types]\nclick = "c"'
    (outcome,) = read(EVENT, text)
    assert outcome.type == "c"
    assert dict(source(text).readings[0].types)["other"] == ("clickstream", "b")


def test_a_dotted_key_of_types_is_one_name() -> None:
    written = tomllib.loads('[types]\nemail.opened = "open"')
    assert source(**written).readings[0].types == (("email.opened", ("clickstream", "open")),)


def test_a_source_says_whether_its_events_have_ids() -> None:
    assert source().without_ids
    assert not source('id = "a"').without_ids
    assert source('[[events]]\nid = "a"\n[[events]]\n').without_ids
