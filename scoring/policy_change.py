"""From one policy to another: whether they say the same, and what a live system can follow."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator

from scoring.policy import Policy

#: Sections that each worker takes from its own file: how it reads, not what a customer is worth.
_OWN_SECTIONS = ("clock", "dead_letters")


def policy_digest(text: str) -> str:
    """Make what tells the contents of a policy file from those of another.

    Comments, order and layout do not count, nor does what each worker takes from its own file.

    Args:
        text: TOML that `parse_policy` takes.

    Returns:
        32 hexadecimal digits.
    """
    document = {name: value for name, value in tomllib.loads(text).items() if name not in _OWN_SECTIONS}
    canonical = json.dumps(document, sort_keys=True, default=str)
    return hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def fixed_differences(in_force: Policy, own: Policy, new: Policy) -> list[str]:
    """Tell what of a new policy a live system cannot follow.

    Stored counts lie in panes, and only those are kept that window and trend look at. Agents, topics and limits are
    made when a worker starts.

    Args:
        in_force: by which the customers are judged.
        own: with which the worker was started; clock and limits are those of this one.
        new: to be followed.

    Returns:
        The keys of the file that differ; none if it can be followed.
    """
    pairs = [
        ("window.length", in_force.length, new.length),
        ("window.pane", in_force.pane, new.pane),
        ("window.trend", in_force.trend, new.trend),
        ("window.half_life", in_force.half_life, new.half_life),
        ("clock.lateness", own.lateness, new.lateness),
        ("clock.idle_after", own.idle_after, new.idle_after),
        ("events.remember_ids", in_force.remember_ids, new.remember_ids),
        ("dead_letters.stop_above", own.most_bad, new.most_bad),
        ("dead_letters.over", own.bad_over, new.bad_over),
        ("dead_letters.at_least", own.bad_records, new.bad_records),
    ]
    return [key for key, before, after in pairs if before != after] + list(_channel_differences(in_force, new))


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
