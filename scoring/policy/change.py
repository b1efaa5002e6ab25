"""From one policy to another: whether they say the same, and what a live system can follow.

Rests on decision 45.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from scoring.policy.policy import Policy

#: What does not tell one policy from another: how it was written down, what follows from other values, and what each
#: worker takes from its own file.
_LEFT_OUT = {
    *("text", "channel", "watched_by_sources"),
    *("lateness", "idle_after", "most_bad", "bad_over", "bad_records"),
}
_WITHOUT_ORDER = {"channels", "types", "segments", "scores", "signals"}


def policy_digest(policy: Policy) -> str:
    """Make what tells a policy from another: its version and everything that decides a score or an alert.

    How the file is written does not count, nor what each worker takes from its own file (clock, dead letters). What
    has its default is left out, so that a release with more keys makes the same of an old file.

    Args:
        policy: of any file.

    Returns:
        32 hexadecimal digits.
    """
    canonical = json.dumps(_plain(policy), sort_keys=True)
    return hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        given = [
            (each, getattr(value, each.name)) for each in fields(value) if each.init and each.name not in _LEFT_OUT
        ]
        plain = {each.name: _field(each, inner) for each, inner in given if not _is_default(each, inner)}
        return plain | _sessions_meant(value) if isinstance(value, Policy) else plain
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, (int, float, str, bool)) else repr(value)


def _sessions_meant(policy: Policy) -> dict[str, dict[str, str]]:
    """Say whose sessions each measure means, where more than one channel has some; else it goes without saying."""
    if not [channel for channel in policy.channels if channel.sessions][1:]:
        return {}
    return {"sessions_meant": {each.name: each.channel for each in policy.measures if each.channel}}


def _field(field: Field[Any], value: Any) -> Any:
    plain = _plain(value)
    return sorted(plain, key=json.dumps) if field.name in _WITHOUT_ORDER else plain


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default is not MISSING:
        return bool(value == field.default)
    return field.default_factory is not MISSING and bool(value == field.default_factory())


def fixed_differences(in_force: Policy, own: Policy, new: Policy) -> list[str]:
    """Return what of a new policy a live system cannot follow.

    Stored counts lie in panes, and only those are kept that window and trend look at. Agents, topics and limits are
    made when a worker starts.

    Args:
        in_force: by which the customers are judged.
        own: with which the worker was started; clock and limits are those of this one.
        new: to be followed.

    Returns:
        The keys of the file that differ; none if it can be followed.
    """
    pairs: list[tuple[str, object, object]] = [
        ("window.length", in_force.length, new.length),
        ("window.pane", in_force.pane, new.pane),
        ("window.trend", in_force.trend, new.trend),
        ("window.half_life", in_force.half_life, new.half_life),
        ("clock.lateness", own.lateness, new.lateness),
        ("clock.idle_after", own.idle_after, new.idle_after),
        ("events.remember_ids", in_force.remember_ids, new.remember_ids),
        ("identities.topic", in_force.identities, new.identities),
        ("dead_letters.stop_above", own.most_bad, new.most_bad),
        ("dead_letters.over", own.bad_over, new.bad_over),
        ("dead_letters.at_least", own.bad_records, new.bad_records),
        ("profiles.topic", _topic(in_force), _topic(new)),
        ("sources.topic", _sources(in_force), _sources(new)),
    ]
    for name in dict.fromkeys([name for name, _ in (*in_force.segments, *new.segments)]):
        key = f"segments.{name}.window.half_life"
        pairs.append((key, in_force.of(name).half_life, new.of(name).half_life))
    return [key for key, before, after in pairs if before != after] + list(_channel_differences(in_force, new))


def _topic(policy: Policy) -> str:
    return policy.profiles.topic if policy.profiles is not None else ""


def _sources(policy: Policy) -> tuple[set[str], set[str]]:
    return set(policy.own_topics) if policy.sources else set(), {source.topic for source in policy.sources}


def _channel_differences(in_force: Policy, new: Policy) -> Iterator[str]:
    before = {channel.name: channel for channel in in_force.channels}
    after = {channel.name: channel for channel in new.channels}
    for name in {**before, **after}:
        if name not in before or name not in after:
            yield f"channels.{name}"
            continue
        if before[name].topic != after[name].topic:
            yield f"channels.{name}.topic"
        if before[name].silence_after != after[name].silence_after:
            yield f"channels.{name}.silence_after"
