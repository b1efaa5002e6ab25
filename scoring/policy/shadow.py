"""A shadow policy: judged beside the policy in force, on the same counts, as a named score is.

Rests on decisions 123 and 144.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from scoring.policy.change import fixed_differences
from scoring.policy.channels import Channel, EventType
from scoring.policy.policy import NamedScore, Policy, clock_differences

#: The name of its score; a policy with a shadow has no other score of that name.
SHADOW: Final = "shadow"


def with_shadow(policy: Policy, shadow: Policy | None) -> Policy:
    """Judge by another policy beside one.

    Args:
        policy: without a shadow.
        shadow: that `shadow_problems` finds nothing wrong with; None for none.
    """
    if shadow is None:
        return policy
    score = NamedScore(SHADOW, shadow, alerts=True, shadow=True)
    return replace(policy, scores=(*policy.scores, score))


def without_shadow(policy: Policy) -> Policy:
    """Give a policy as its own file has it.

    Args:
        policy: with a shadow, or without one.
    """
    return replace(policy, scores=tuple([score for score in policy.scores if not score.shadow]))


def shadow_problems(policy: Policy, shadow: Policy) -> list[str]:
    """Return why a policy cannot be judged beside another one.

    Both are judged on the counts that the first makes of the events, and the second may be put in force while workers
    run. So what decides the counts, and what a live system cannot follow, has to be the same.

    Args:
        policy: without a shadow.
        shadow: to be judged beside it.

    Returns:
        A sentence each; none if it can be.
    """
    problems = []
    if shadow.version == policy.version:
        problems.append(f"version {shadow.version!r} is that of the policy itself; give the shadow policy its own")
    if SHADOW in [score.name for score in policy.scores]:
        problems.append(f"the policy has a score of the name {SHADOW!r}, which is that of the shadow policy")
    # The clock and the limits of dead letters are those of the policy itself.
    fixed = fixed_differences(policy, shadow, shadow)
    if fading := [key for key in fixed if key.endswith("half_life")]:
        # Points fade when they are added up: the counts are the same.
        problems.append(f"it could not be put in force while workers run, as these differ: {', '.join(fading)}")
    different = [key for key in fixed if key not in fading] + [*dict.fromkeys(_count_differences(policy, shadow))]
    if different:
        problems.append(f"it cannot be judged on the same counts, as these differ: {', '.join(different)}")
    return problems


def absence_problem(policy: Policy, shadow: Policy) -> str:
    """Return why a shadow policy raises no alerts of absence although it asks for them; '' where it does.

    Args:
        policy: in force.
        shadow: judged beside it.
    """
    different = clock_differences(policy, shadow)
    if not different:
        return ""
    return f"it raises no alerts of absence, as these decide the clocks of absence and differ: {', '.join(different)}"


def _count_differences(policy: Policy, shadow: Policy) -> Iterator[str]:
    """Name what decides the counts, and differs; weights, caps, bands and types without properties do not."""
    if policy.profiles != shadow.profiles:
        yield "profiles"
    if policy.sources != shadow.sources:
        yield "sources"
    after = {channel.name: channel for channel in shadow.channels}
    for channel in policy.channels:
        if channel.name in after:
            yield from _channel_differences(channel, after[channel.name])


def _channel_differences(channel: Channel, other: Channel) -> Iterator[str]:
    where = f"channels.{channel.name}"
    if sorted(channel.machine) != sorted(other.machine):
        yield f"{where}.machine"
    if channel.rules != other.rules:
        yield f"{where}.types"
    if channel.pairings != other.pairings:
        yield f"{where}.pairings"
    if channel.sentiment != other.sentiment:
        yield f"{where}.sentiment"
    visited, sessions = dict(channel.sessions), dict(other.sessions)
    types = {kind.code: kind for kind in channel.types}
    if any(visited.get(code) != sessions.get(code) for code in types if code in {one.code for one in other.types}):
        yield f"{where}.sessions"
    for kind in other.types:
        if not _counts(types.get(kind.code), kind):
            # Only what the policy itself asks for is read from the properties of an event.
            yield f"the properties of {channel.name}.{kind.name}"


def _counts(own: EventType | None, other: EventType) -> bool:
    """Return whether all is counted of a type that another policy asks for."""
    amounts = own.amounts if own is not None else ()
    about = own.object_property if own is not None else ""
    return set(other.amounts) <= set(amounts) and other.object_property in ("", about)
