"""The settings, topics, rights and silences that sources bring along."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scoring.instants import HOUR
from scoring.policy.change import fixed_differences, policy_digest
from scoring.policy.topics import topics_by_section
from streams.errors import SettingsError
from streams.ingest.schemas import SchemaFile, SchemaRegistry, schemas_from
from streams.kafka.access import _told_links
from streams.kafka.topics import read_topics, topic_settings
from streams.policy_file.document import parse_policy
from streams.settings.settings import read_settings
from tests.unit.streams.ingest.shapes import FEEDS

PREFIX = "ENGAGEMENT_SCHEMA_"
POLICY = """
[channels.web]
weights = { view = 1 }
[channels.email]
weights = { open = 1 }
[channels.calls]
weights = { call = 1 }
silence_after = "1h"
"""
SOURCES = """
[sources.app]
format = "confluent_avro"
channel = "web"
silence_after = "2h"
[sources.site]
topic = "segment"
format = "segment"
channel = "web"
silence_after = "3h"
[sources.phone]
topic = "segment"
format = "segment"
channel = "calls"
silence_after = "4h"
"""

MANY = """
[sources.many]
format = "sendgrid"
channel = "email"
ignore = ["a", "b", "c", "d", "e", "f", "g"]
"""


def problems(**given: str) -> str:
    """Return what is wrong with settings."""
    with pytest.raises(SettingsError) as refused:
        read_settings({PREFIX + name: value for name, value in given.items()})
    return "\n".join(refused.value.problems)


def test_a_registry_is_named_by_settings_and_shows_neither_its_address_nor_its_password() -> None:
    given = {
        f"{PREFIX}REGISTRY_URL": "https://user:hidden@registry:8081/api",
        f"{PREFIX}REGISTRY_USERNAME": "worker",
        f"{PREFIX}REGISTRY_PASSWORD": "secret",
    }
    settings = read_settings(given)
    assert (settings.schemas.username, settings.schemas.password.word) == ("worker", "secret")
    assert isinstance(schemas_from(settings.schemas), SchemaRegistry)
    assert "hidden" not in repr(settings)
    assert "secret" not in repr(settings)
    assert read_settings(settings.environment()) == settings


def test_schemas_may_come_from_a_file() -> None:
    settings = read_settings({f"{PREFIX}FILE": str(FEEDS / "confluent_avro.schemas.json")})
    assert isinstance(schemas_from(settings.schemas), SchemaFile)
    assert read_settings(settings.environment()) == settings
    assert schemas_from(read_settings({}).schemas) is None


def test_what_is_wrong_with_them_is_told(tmp_path: Path) -> None:
    assert f"{PREFIX}REGISTRY_URL: not a URL" in problems(REGISTRY_URL="registry:8081")
    assert "hidden" not in problems(REGISTRY_URL="ftp://user:hidden@registry")
    assert f"{PREFIX}REGISTRY_URL: is needed" in problems(REGISTRY_USERNAME="worker")
    assert f"{PREFIX}REGISTRY_USERNAME: is needed" in problems(REGISTRY_URL="http://r", REGISTRY_PASSWORD="a")  # noqa: S106 - no secret
    assert f"{PREFIX}FILE: there is no file" in problems(FILE=str(tmp_path / "none"))
    path = tmp_path / "schemas.json"
    path.write_text("{}")
    assert f"{PREFIX}FILE: " in problems(FILE=str(path), REGISTRY_URL="http://r")
    assert f"{PREFIX}REGISTRY_CA_FILE" in problems(REGISTRY_URL="https://r", REGISTRY_CA_FILE=str(path))


def test_the_topics_of_sources_are_read_in_the_place_of_those_of_the_channels_that_they_feed() -> None:
    policy = parse_policy(POLICY + SOURCES)
    assert read_topics(policy) == ["email", "app", "segment"]
    assert {"email", "app", "segment"} <= topic_settings(policy).keys()
    assert "web" not in topic_settings(policy)
    assert topics_by_section(policy.channels, "", None, policy.sources) == [
        ("channels.email", "email"),
        ("sources.app", "app"),
        ("sources.site", "segment"),
    ]
    assert read_topics(parse_policy(POLICY)) == ["web", "email", "calls"]


def test_the_own_shape_beside_a_foreign_one_is_a_source_too() -> None:
    own = '[sources.own]\nformat = "engagement"\nchannel = "web"\ntopic = "web"\n'
    assert read_topics(parse_policy(POLICY + SOURCES + own)) == ["email", "app", "segment", "web"]


def test_a_source_cannot_read_the_topic_of_a_channel_or_one_that_the_service_writes(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    for topic, why in [("email", "is already the topic of channels.email"), ("churn-risk-alerts", "itself writes")]:
        path.write_text(POLICY + f'[sources.a]\nformat = "segment"\nchannel = "web"\ntopic = "{topic}"\n')
        with pytest.raises(SettingsError, match=why):
            read_settings({"ENGAGEMENT_POLICY": str(path)})


def test_a_channel_is_silent_when_all_of_its_sources_have_been_for_long_enough() -> None:
    policy = parse_policy(POLICY + SOURCES)
    assert policy.watched == {0: ("web", 3 * HOUR), 2: ("calls", HOUR)}
    assert policy.topics_of(policy.channels[0]) == ("app", "segment")
    assert policy.topics_of(policy.channels[1]) == ("email",)


def test_a_worker_needs_to_write_links_only_where_sources_tell_of_them() -> None:
    linking = '[identities]\ntopic = "ids"\n'
    assert _told_links(parse_policy(linking + POLICY + SOURCES)) == ("ids",)
    assert _told_links(parse_policy(POLICY + SOURCES)) == ()
    assert _told_links(parse_policy(linking + POLICY)) == ()


def test_a_live_system_follows_other_paths_and_names_but_no_other_topics() -> None:
    old = parse_policy(POLICY + SOURCES)
    for change, told in [
        (('format = "segment"\nchannel = "web"', 'format = "segment"\ncustomer = "userId"\nchannel = "web"'), []),
        (('topic = "segment"', 'topic = "other"'), ["sources.topic"]),
        (('channel = "web"\nsilence_after = "2h"', 'channel = "email"\nsilence_after = "3h"'), ["sources.topic"]),
    ]:
        new = parse_policy(POLICY + SOURCES.replace(*change))
        found = [key for key in fixed_differences(old, old, new) if "silence_after" not in key]
        assert found == told
        assert policy_digest(new) != policy_digest(old)


def test_every_process_tells_the_same_policy_by_the_same_digest() -> None:
    program = (
        "from scoring.policy.change import policy_digest; from streams.policy_file.document import parse_policy;"
        f"print(policy_digest(parse_policy({POLICY + SOURCES + MANY!r})))"
    )
    run = [sys.executable, "-c", program]
    seeds = [{**os.environ, "PYTHONHASHSEED": str(seed)} for seed in (1, 2)]
    found = {subprocess.run(run, env=each, capture_output=True, check=True, timeout=60).stdout for each in seeds}
    assert len(found) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"answers[ref=a].x"', '"answers[ref=b].x"'),
        ('"{a}:{b}"', '"{a}/{b}"'),
        ('"a"', '"^.a"'),
        ('"@header.a"', '"@header.b"'),
        ("{ is = 1 }", "{ is = true }"),
    ],
)
def test_sources_that_say_something_else_have_another_digest(one: str, other: str) -> None:
    plain = '[sources.s]\nchannel = "web"\ncustomer = "a"\ntype = "b"\ntime = "c"\nid = '
    assert policy_digest(parse_policy(POLICY + plain + one)) != policy_digest(parse_policy(POLICY + plain + other))
