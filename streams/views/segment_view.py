"""What a policy says of segments and named scores, as a person wants to read it."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.instants import format_duration
from scoring.points import POINT
from scoring.policy.channels import NO_CAP
from scoring.policy.policy import BANDS, NamedScore, Policy


def segment_facts(policy: Policy) -> dict[str, str]:
    """Explain where segments are told, and what differs for each.

    Args:
        policy: any.

    Returns:
        Lines by their heading; none for a policy that knows no segments.
    """
    if policy.profiles is None:
        return {}
    facts = {"profiles": f"topic {policy.profiles.topic}; {policy.profiles.segment} names the segment, in events too"}
    for name, own in policy.segments:
        facts[f"segment {name}"] = "; ".join(_differences(policy, own)) or "the same rules as all others"
    return facts


def score_facts(policy: Policy) -> dict[str, str]:
    """Explain the named scores of a policy.

    Args:
        policy: any.

    Returns:
        Lines by their heading; none without named scores.
    """
    return {f"score {score.name}": "; ".join(_weights(policy, score)) for score in policy.scores}


def _weights(policy: Policy, score: NamedScore) -> Iterator[str]:
    own = score.policy
    yield "raises alerts" if score.alerts else "raises no alerts"
    if own.bounds != policy.bounds:
        yield ", ".join(f"{band} from {exact(bound)}" for band, bound in zip(BANDS[1:], own.bounds, strict=True))
    for kind in own.types.values():
        if kind.weight:
            cap = "" if kind.cap == NO_CAP else f", at most {kind.cap} in a pane"
            yield f"{own.channels[kind.channel].name}.{kind.name} {exact(kind.weight)} points{cap}"


def _differences(policy: Policy, own: Policy) -> Iterator[str]:
    if own.bounds != policy.bounds:
        pairs = zip(BANDS[1:], policy.bounds, own.bounds, strict=True)
        yield ", ".join(f"{band} from {exact(bound)}" for band, before, bound in pairs if bound != before)
    if own.half_life != policy.half_life:
        yield f"half-life {format_duration(own.half_life)}" if own.half_life else "no half-life"
    if own.drops_into != policy.drops_into:
        yield f"drops into {BANDS[own.drops_into]}"
    if own.cooldown != policy.cooldown:
        yield f"cooldown {format_duration(own.cooldown)}"
    if own.rearm_margin != policy.rearm_margin:
        yield f"re-arm margin {exact(own.rearm_margin)} points"
    if own.warn_before != policy.warn_before:
        yield f"warning {format_duration(own.warn_before)} before a drop" if own.warn_before else "no warning"
    for code, kind in own.types.items():
        plain = policy.types[code]
        words = [f"{exact(kind.weight)} points"] if kind.weight != plain.weight else []
        if kind.cap not in (plain.cap, NO_CAP):
            words.append(f"at most {kind.cap} in a pane")
        if words:
            yield f"{own.channels[kind.channel].name}.{kind.name} {', '.join(words)}"


def exact(points: int) -> str:
    """Write points with all their decimals: what is checked is the file, not what will be published.

    Args:
        points: in millionths.
    """
    return f"{points / POINT:.6f}".rstrip("0").rstrip(".")
