"""The policy in force under the namespace, beside the one that the settings name."""

from __future__ import annotations

from scoring.errors import PolicyError
from scoring.policy.change import fixed_differences, policy_digest
from scoring.policy.policy import Policy
from scoring.policy.shadow import absence_problem, without_shadow
from streams.doctor.configuration import Configuration
from streams.doctor.finding import Finding, doubtful, right, wrong
from streams.policy_file.document import parse_policy
from streams.store.policies import StoredPolicy
from streams.store.redis.reading import score_reader


async def check_in_force(configuration: Configuration) -> list[Finding]:
    """Read the policy in force; see `in_force_findings`."""
    reader = score_reader(configuration.settings, configuration.settings.policy)
    try:
        record = await reader.policies.in_force()
    finally:
        await reader.close()
    own = configuration.settings.policy
    return [*in_force_findings(own, record), *shadow_findings(own)]


def in_force_findings(own: Policy, record: StoredPolicy | None) -> list[Finding]:
    """Say whether the workers judge by the policy that the settings name.

    Args:
        own: that of the settings.
        record: of the one in force; None where none is.
    """
    if record is None:
        return [right(f"none is in force yet; the first worker puts version {own.version!r} in force")]
    if record.digest == policy_digest(own):
        return [right(f"version {own.version!r} is in force, and it is that of the settings")]
    there = f"version {record.version!r} is in force, and the settings name version {own.version!r}"
    if record.own_digest == policy_digest(without_shadow(own)):
        return [_other_shadow(own, record)]
    if record.version == own.version:
        there = f"version {own.version!r} is in force with other contents than the settings name"
        return [wrong(there, "Give the changed policy a version of its own")]
    try:
        in_force = parse_policy(record.text)
    except PolicyError as error:
        says = f"{there}. This release does not understand it: {'; '.join(error.problems)}"
        return [wrong(says, "Update, or put another policy in force")]
    advice = "A worker that starts puts its own in force, unless it was before."
    if fixed := fixed_differences(in_force, own, own):
        there = f"{there}, which differs in what cannot change while workers run: {', '.join(fixed)}"
        advice = "Start all workers with the same policy."
    return [doubtful(there, f"{advice} See what is in force with: engagement policy show --in-force")]


def shadow_findings(own: Policy) -> list[Finding]:
    """Say what the shadow policy leaves out; one that cannot be judged at all is refused with the settings.

    Args:
        own: policy of the settings, with its shadow policy, or without one.
    """
    problem = absence_problem(own, own.shadow) if own.shadow is not None else ""
    if own.shadow is None or not problem:
        return []
    says = f"the shadow policy {own.shadow.version!r}: {problem}"
    return [doubtful(says, "Give it the same ones, or compare without absences")]


def _other_shadow(own: Policy, record: StoredPolicy) -> Finding:
    """Say that the policy is that of the settings, and the shadow policy beside it is not."""
    versions = record.shadow_version, own.shadow.version if own.shadow is not None else ""
    there, here = (f"the shadow policy {version!r}" if version else "no shadow policy" for version in versions)
    says = f"version {own.version!r} is in force, with {there} beside it, and the settings name {here}"
    return doubtful(says, "A worker that starts puts its own in force: start all with the same settings")
