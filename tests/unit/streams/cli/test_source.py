"""`engagement source`: known shapes, and what becomes of the records of a file."""

from __future__ import annotations

import gzip
import tomllib
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from scoring.mapping.presets import preset_names
from streams.cli.main import engagement
from tests.unit.streams.ingest.shapes import FEEDS, compare, expected

POLICY = """
[channels.clickstream]
weights = { page_view = 1 }
[channels.mail]
weights = { open = 1 }
[sources.web]
channel = "clickstream"
customer = ["user", "@key"]
type = "type"
time = ["at", "@timestamp"]
id = "id"
properties = { page = "page" }
types = { opened = "mail.open" }
"""


def run(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(engagement, ["source", *map(str, arguments)], env={"COLUMNS": "160"})


def try_lines(tmp_path: Path, *lines: str, policy: str = POLICY, name: str = "web") -> list[dict[str, object]]:
    """Try the lines of a file, as JSON."""
    path, rules = tmp_path / "events.jsonl", tmp_path / "policy.toml"
    path.write_text("\n".join(lines) + "\n")
    rules.write_text(policy)
    result = run("try", path, "--source", name, "--policy", rules, "--json")
    assert result.exit_code == 0, result.output
    return [orjson.loads(line) for line in result.stdout.splitlines()]


def test_the_list_names_every_known_shape() -> None:
    result = run("list")
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == list(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_a_shape_is_shown_as_a_part_of_a_policy_file(name: str) -> None:
    result = run("show", name)
    assert result.exit_code == 0
    assert result.stdout.startswith("#")
    assert list(tomllib.loads(result.stdout)["sources"]) == [name]


@pytest.mark.parametrize("name", ["segment", "sendgrid", "confluent_avro", "shopify"])
def test_the_lines_for_programs_are_those_that_are_expected(name: str) -> None:
    result = run("try", FEEDS / f"{name}.jsonl", "--source", name, "--json")
    assert result.exit_code == 0
    lines = [orjson.loads(line) for line in result.stdout.splitlines()]
    counted_as = {line.pop("counts_as") for line in lines if "counts_as" in line}
    assert counted_as == ({"machine_open"} if name == "sendgrid" else set())
    compare(lines, expected(FEEDS, name))
    assert {key for line in lines for key in line} <= {
        *("record", "part", "customer_id", "channel", "type", "timestamp", "event_id", "properties"),
        *("dead_letter", "skipped", "link"),
    }


def test_a_line_is_the_value_or_stands_for_the_record(tmp_path: Path) -> None:
    event = '{"user": "maria", "type": "view", "at": 5, "id": 1, "page": "/"}'
    value = '{"type": "opened"}'
    record = orjson.dumps({"key": "noor", "headers": {}, "value": value, "timestamp": 1_790_000_000_123}).decode()
    lines = try_lines(tmp_path, event, "", record, "{", '{"key": null, "headers": {}, "value": null}')
    assert lines == [
        {
            "record": 0,
            "part": 0,
            "customer_id": "maria",
            "channel": "clickstream",
            "type": "view",
            "timestamp": "1970-01-01T00:00:05Z",
            "event_id": "1",
            "properties": {"page": "/"},
        },
        {
            "record": 2,
            "part": 0,
            "customer_id": "noor",
            "channel": "mail",
            "type": "open",
            "timestamp": "2026-09-21T14:13:20.123000Z",
            "properties": {},
        },
        {"record": 3, "part": None, "dead_letter": "not_json"},
        {"record": 4, "part": None, "skipped": "tombstone"},
    ]


def test_a_file_may_be_packed(tmp_path: Path) -> None:
    path = tmp_path / "segment.jsonl.gz"
    path.write_bytes(gzip.compress((FEEDS / "segment.jsonl").read_bytes()))
    result = run("try", path, "--source", "segment", "--json")
    compare([orjson.loads(line) for line in result.stdout.splitlines()], expected(FEEDS, "segment"))


def test_people_get_a_table_and_a_sum(tmp_path: Path) -> None:
    path, rules = tmp_path / "events.jsonl", tmp_path / "policy.toml"
    path.write_text(
        '{"user": "maria", "type": "opened", "at": 5}\n{"type": "view"}\n'
        '{"user": "\\u001b[31m", "type": "v", "at": 5}\n'
    )
    rules.write_text(POLICY)
    result = run("try", path, "--source", "web", "--policy", rules)
    assert result.exit_code == 0
    assert "mail.open" in result.stdout
    assert "none of user, @key has a value" in result.stdout
    assert (
        result.stdout.splitlines()[-1].strip() == "2 events, 0 links, 0 left out, 1 dead letter (customer_id_missing 1)"
    )
    assert "\x1b" not in result.stdout


def test_a_file_that_has_no_lines_is_refused_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for start, what in {b"PK\x03\x04": "a zip archive", b"\xff\xfe{\0": "UTF-16"}.items():
        path.write_bytes(start)
        result = run("try", path, "--source", "segment")
        assert result.exit_code == 1
        assert f"{path} is {what}" in result.stderr


def test_a_narrow_screen_has_every_reason_in_full_once_with_where_it_is_first(tmp_path: Path) -> None:
    path, rules = tmp_path / "events.jsonl", tmp_path / "policy.toml"
    bad = '{"user": "maria", "type": "view", "at": "2026-11-18T11:06:40"}'
    path.write_text("\n".join(['{"type": "view", "at": 5}', bad, bad, *(f'{{"user": {n}.5}}' for n in range(30))]))
    rules.write_text(POLICY)
    arguments = ["source", "try", str(path), "--source", "web", "--policy", str(rules)]
    lines = CliRunner().invoke(engagement, arguments, env={"COLUMNS": "60"}).stdout.splitlines()
    reasons = lines[lines.index(next(line for line in lines if line.startswith("timestamp_invalid"))) :]
    assert reasons[0] == (
        "timestamp_invalid: at or @timestamp: '2026-11-18T11:06:40' is not an RFC 3339 time with an offset, such as "
        '2026-11-21T09:30:00Z; if it is UTC, time_format = "utc" reads it (2 times, first in record 1, part 0)'
    )
    assert reasons[1] == "customer_id_missing: none of user, @key has a value (record 0, part 0)"
    assert reasons[20] == "and 12 other reasons"
    assert reasons[21].startswith("0 events, 0 links, 0 left out, 33 dead letters")


def test_types_that_the_policy_does_not_name_are_told(tmp_path: Path) -> None:
    path, rules = tmp_path / "events.jsonl", tmp_path / "policy.toml"
    kinds = ["Viewed", "page_view", "opened", "Viewed", "Closed"]
    path.write_text("\n".join(f'{{"user": "maria", "type": "{kind}", "at": 5}}' for kind in kinds))
    rules.write_text(POLICY)
    told = "not named by the policy, so without points: clickstream.Viewed 2, clickstream.Closed 1"
    assert told in run("try", path, "--source", "web", "--policy", rules).stdout.splitlines()
    path.write_text('{"user": "maria", "type": "page_view", "at": 5}')
    assert "without points" not in run("try", path, "--source", "web", "--policy", rules).stdout


def test_a_time_ahead_of_the_clock_is_refused_as_a_worker_refuses_it(tmp_path: Path) -> None:
    (line,) = try_lines(tmp_path, '{"user": "maria", "type": "view", "at": 9000000000}')
    assert line["dead_letter"] == "timestamp_in_future"


def test_schemas_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes((FEEDS / "confluent_avro.jsonl").read_bytes())
    without = run("try", path, "--source", "confluent_avro", "--json")
    assert "schema_unknown" in without.stdout
    assert "page_view" not in without.stdout
    schemas = FEEDS / "confluent_avro.schemas.json"
    result = run("try", path, "--source", "confluent_avro", "--schemas", schemas, "--json")
    compare([orjson.loads(line) for line in result.stdout.splitlines()], expected(FEEDS, "confluent_avro"))


def test_mistakes_of_the_source_end_with_status_2_and_its_keys(tmp_path: Path) -> None:
    rules = tmp_path / "policy.toml"
    rules.write_text(POLICY.replace('"id"', '"a..b"').replace('time = ["at", "@timestamp"]', "colour = 5"))
    result = run("try", FEEDS / "segment.jsonl", "--source", "web", "--policy", rules)
    assert result.exit_code == 2
    for key in ("sources.web.id: ", "sources.web.time: ", "sources.web.colour: "):
        assert key in result.stderr


RULES = """
[[channels.clickstream.types]]
type = "page_view"
as = "price_view"
when = { "properties.page" = { starts_with = "/prices" } }
"""


def test_the_type_as_which_an_event_counts_is_told_beside_its_own(tmp_path: Path) -> None:
    policy = POLICY.replace("page_view = 1", "page_view = 1, price_view = 5") + RULES
    lines = [
        f'{{"user": "maria", "type": "page_view", "at": 5, "page": "{page}"}}' for page in ("/prices/2026", "/imprint")
    ]
    found = try_lines(tmp_path, *lines, policy=policy)
    assert [(each["type"], each.get("counts_as")) for each in found] == [
        ("page_view", "price_view"),
        ("page_view", None),
    ]
    path, rules = tmp_path / "events.jsonl", tmp_path / "policy.toml"
    shown = run("try", path, "--source", "web", "--policy", rules)
    assert "clickstream.price_view (page_view)" in shown.stdout
    rules.write_text(policy + "[window]\npane = 3\n")
    refused = run("try", path, "--source", "web", "--policy", rules)
    assert "clickstream.page_view" in refused.stdout
    assert "price_view" not in refused.stdout
    assert "the policy is refused, so each event has the type that the source gives it" in refused.stderr


def test_a_channel_that_the_policy_lacks_is_told_and_does_not_keep_from_trying(tmp_path: Path) -> None:
    path, rules = tmp_path / "events.jsonl", tmp_path / "policy.toml"
    path.write_text('{"user": "maria", "type": "view", "at": 5}\n')
    rules.write_text(POLICY.replace('channel = "clickstream"', 'channel = "shop"'))
    result = run("try", path, "--source", "web", "--policy", rules, "--json")
    assert result.exit_code == 0
    assert orjson.loads(result.stdout)["channel"] == "shop"
    assert "has no channel shop" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--source", "segment"], "give either a file or --topic"),
        ([FEEDS / "segment.jsonl", "--source", "segment", "--topic", "a"], "give either a file or --topic"),
        ([FEEDS / "segment.jsonl", "--source", "segmint"], "'segmint' is neither a source of the policy"),
    ],
)
def test_what_cannot_be_tried_is_told(arguments: list[str | Path], told: str) -> None:
    result = run("try", *arguments)
    assert result.exit_code != 0
    assert told in result.stderr


def test_a_record_that_is_written_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"headers": {}, "value": "{}"}\n{"headers": {}, "value_base64": "?"}\n')
    result = run("try", path, "--source", "segment")
    assert result.exit_code == 1
    assert "line 1: is no Kafka record" in result.stderr


def test_the_record_can_be_told_however_narrow_the_screen_is(tmp_path: Path) -> None:
    call = {"type": "page", "userId": "ada" * 20, "messageId": "m" * 60, "timestamp": "2026-10-28T09:00:00Z"}
    calls = tmp_path / "calls.jsonl"
    calls.write_text(f"{orjson.dumps(call).decode()}\n" * 101, encoding="utf-8")
    for columns in ("60", "80", "200"):
        result = CliRunner().invoke(
            engagement, ["source", "try", str(calls), "--source", "segment"], env={"COLUMNS": columns}
        )
        heading, *rows, _ = result.stdout.splitlines()
        assert heading.split()[:3] == ["record", "part", "becomes"]
        assert [row.split()[:2] for row in rows] == [[str(number), "0"] for number in range(101)]
