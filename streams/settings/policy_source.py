"""Where a policy comes from: a file, or the built-in text; and the shadow policy beside it."""

from __future__ import annotations

from pathlib import Path

from scoring.errors import PolicyError
from scoring.policy.policy import Policy
from scoring.policy.shadow import shadow_problems, with_shadow
from scoring.policy.topics import topics_by_section
from streams.errors import SettingsError, why_unreadable
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.document import parse_policy
from streams.topic_names import WRITTEN_TOPICS


def read_policy(path: str, prefix: str = "") -> Policy:
    """Read the policy that the settings name.

    Args:
        path: of a TOML file; '' for the built-in policy.
        prefix: of the topics that the service writes, where it is known.

    Returns:
        The policy.

    Raises:
        SettingsError: with every problem, if it cannot be read or is refused.
    """
    return parse_policy_file(read_text(path), path, prefix)


def read_text(path: str) -> str:
    """Read the text of a policy.

    Args:
        path: of a TOML file; '' for the built-in policy.

    Raises:
        SettingsError: if it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig") if path else BUILTIN_POLICY
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"cannot read {path}: {why_unreadable(error)}"]) from error


def parse_policy_file(text: str, path: str, prefix: str = "") -> Policy:
    """Make a policy of a text.

    Args:
        text: TOML.
        path: where it stands, for the messages.
        prefix: of the topics that the service writes, where it is known.

    Raises:
        SettingsError: with every problem, if it is refused.
    """
    try:
        policy = parse_policy(text)
    except PolicyError as error:
        raise SettingsError([f"{path}: {problem}" for problem in error.problems]) from error
    written = [
        f"{path}: {section}.topic: the service itself writes {topic!r}"
        for section, topic in topics_by_section(policy.channels, policy.identities, policy.profiles, policy.sources)
        if topic.removeprefix(prefix) in WRITTEN_TOPICS
    ]
    if written:
        raise SettingsError(written)
    return policy


def beside(policy: Policy, shadow: Policy, path: str) -> Policy:
    """Judge by a shadow policy beside a policy.

    Args:
        policy: without one.
        shadow: to be judged on the same counts.
        path: where it stands, for the messages.

    Raises:
        SettingsError: with every reason why it cannot be.
    """
    if problems := shadow_problems(policy, shadow):
        raise SettingsError([f"{path}: {problem}" for problem in problems])
    return with_shadow(policy, shadow)
