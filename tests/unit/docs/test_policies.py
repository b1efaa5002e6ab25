"""The policy files."""

from pathlib import Path

import pytest

from scoring.policy import Policy
from scoring.policy_file import builtin_policy, parse_policy
from tests.unit.docs.reading import DEPLOY

POLICIES = sorted((DEPLOY / "policies").glob("*.toml"))


def without_order(policy: Policy) -> dict[str, object]:
    """Give a policy as values in which the order of the types does not matter."""
    values = {
        name: getattr(policy, name) for name in policy.__dataclass_fields__ if name not in ("channels", "types", "text")
    }
    channels = {channel.name: (channel.topic, frozenset(channel.types)) for channel in policy.channels}
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
