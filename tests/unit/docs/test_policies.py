"""The policy files."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from scoring.instants import DAY
from scoring.policy.policy import Policy
from streams.cli.main import engagement
from streams.policies import shipped
from streams.policies.shipped import shipped_policies, shipped_policy
from streams.policy_file.document import builtin_policy, parse_policy
from tests.unit.docs.reading import DEPLOY

POLICY_FILES = Path(shipped.__file__).parent
POLICIES = sorted((DEPLOY / "policies").glob("*.toml"))


def without_order(policy: Policy) -> dict[str, object]:
    """Give a policy as values in which the order of the types does not matter."""
    written = [field.name for field in fields(policy) if field.init]
    values = {name: getattr(policy, name) for name in written if name not in ("channels", "text")}
    channels = {
        channel.name: (
            channel.topic,
            frozenset(channel.types),
            channel.machine,
            frozenset(channel.sessions),
            channel.pairings,
        )
        for channel in policy.channels
    }
    return {**values, "channels": channels, "order": [channel.name for channel in policy.channels]}


def test_there_are_policies() -> None:
    assert {"default.toml", "fourth-channel.toml"} <= {path.name for path in POLICIES}


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.name)
def test_a_policy_is_accepted(path: Path) -> None:
    assert parse_policy(path.read_text(encoding="utf-8")).channels


def test_no_two_policies_have_the_same_version() -> None:
    versions = [parse_policy(path.read_text(encoding="utf-8")).version for path in POLICIES]
    assert len(set(versions)) == len(versions)


def test_the_default_policy_is_the_built_in_one() -> None:
    default = parse_policy((DEPLOY / "policies" / "default.toml").read_text(encoding="utf-8"))
    assert without_order(default) == without_order(builtin_policy())


def test_the_fourth_channel_joins_the_built_in_ones() -> None:
    example = without_order(parse_policy((DEPLOY / "policies" / "fourth-channel.toml").read_text(encoding="utf-8")))
    builtin = without_order(builtin_policy())
    channels = dict(example["channels"])  # type: ignore[call-overload]
    assert "support" in channels
    del channels["support"]
    same = {"channels": channels, "version": builtin["version"], "order": builtin["order"]}
    assert example | same == builtin


@pytest.mark.parametrize("name", shipped_policies())
def test_a_policy_that_comes_with_the_package_is_accepted_and_measures_something(name: str) -> None:
    policy = parse_policy(shipped_policy(name))
    assert re.fullmatch(rf"{name}-[1-9]", policy.version)
    assert policy.measures


@pytest.mark.parametrize("name", ["saas", "shop", "publisher", "app", "b2b"])
def test_the_policy_of_a_company_watches_the_feeds_without_which_everybody_looks_lost(name: str) -> None:
    policy = parse_policy(shipped_policy(name))
    used = [channel for channel in policy.channels if channel.sessions or channel is policy.channels[0]]
    # What a night or the producer's delay makes is no silence.
    assert all(channel.silence_after >= DAY for channel in used)
    told = CliRunner().invoke(engagement, ["policy", "check", str(POLICY_FILES / f"{name}.toml")])
    assert (told.exit_code, told.stderr) == (0, "")
    assert f"{policy.channels[0].name} silent after" in told.stdout


def test_the_policy_of_web_email_and_social_scores_as_the_built_in_one() -> None:
    shipped, builtin = parse_policy(shipped_policy("web-email-social")), builtin_policy()
    left_out = {"version": "", "measures": ()}
    weights = [
        {kind.name: (kind.weight, kind.cap) for channel in policy.channels for kind in channel.types}
        for policy in (shipped, builtin)
    ]
    assert weights[0] == weights[1]
    assert without_order(shipped) | left_out | {"channels": {}} == without_order(builtin) | left_out | {"channels": {}}


#: Whole policies of a kind of company, with sources; the others are parts for single channels.
COMPANIES = ("app", "b2b", "publisher", "saas", "shop")


@pytest.mark.parametrize("name", COMPANIES)
def test_the_policy_of_a_company_is_whole(name: str) -> None:
    policy = parse_policy(shipped_policy(name))
    assert len(policy.channels) >= len(policy.sources) > 2
    assert all(source.format for source in policy.sources)
    assert policy.absence is not None
    assert policy.identities
    assert {"retention"} < {target.figure for target in policy.targets}
    assert any(channel.type_rules for channel in policy.channels)
    # Whatever makes sessions, pairs or measures refers to types that sources or topics of its own can bring.
    assert policy.measures


@pytest.mark.parametrize("name", COMPANIES)
def test_the_policy_of_a_company_signals_moments_and_counts_by_the_day(name: str) -> None:
    policy = parse_policy(shipped_policy(name))
    assert {"upsell", "large_fall"} < {signal.name for signal in policy.signals}
    assert all(signal.title for signal in policy.signals)
    figures = policy.figures
    assert (figures.daily, figures.by_channel, figures.by_band) == (True, True, True)
    assert figures.churn
    assert [group.name for group in figures.groupings] == ["campaign"]


@pytest.mark.parametrize("name", ["b2b", "shop"])
def test_only_a_public_comment_by_staff_answers_a_ticket(tmp_path: Path, name: str) -> None:
    policy, records = tmp_path / "policy.toml", tmp_path / "records.jsonl"
    policy.write_text(shipped_policy(name))
    comments = [
        {
            "id": f"{public} {staff}",
            "type": "zen:event-type:ticket.comment_added",
            "time": "2026-11-29T10:00:00Z",
            "detail": {"id": "7", "requester_id": 1},
            "event": {"comment": {"is_public": public, "author": {"is_staff": staff}}},
        }
        for public, staff in ((True, True), (False, True), (True, False))
    ]
    records.write_text("\n".join(map(json.dumps, comments)))
    arguments = ["source", "try", str(records), "--source", "desk", "--policy", str(policy), "--json"]
    events = [json.loads(line) for line in CliRunner().invoke(engagement, arguments).stdout.splitlines()]
    assert [event.get("counts_as", event["type"]) for event in events] == ["agent_reply", "reply", "reply"]
    assert {event["properties"]["object_id"] for event in events} == {"7"}


@pytest.mark.parametrize("name", COMPANIES)
def test_the_policy_of_a_company_says_what_to_change_first(name: str) -> None:
    text = shipped_policy(name)
    assert "To begin with:\n# 1. " in text
    assert "hange first" in text


@pytest.mark.parametrize("name", shipped_policies())
def test_a_policy_that_comes_with_the_package_fits_on_a_screen(name: str) -> None:
    assert max(len(line) for line in shipped_policy(name).splitlines()) <= 120


def test_channels_of_several_policies_can_stand_in_one() -> None:
    names = [name for name in shipped_policies() if name not in ("web-email-social", *COMPANIES)]
    bodies = [shipped_policy(name).partition("[channels.")[2] for name in names]
    joined = parse_policy("".join(f"[channels.{body}" for body in bodies))
    assert len(joined.channels) == len(names)
    assert len(joined.measures) == sum(body.count("[measures.") for body in bodies)
