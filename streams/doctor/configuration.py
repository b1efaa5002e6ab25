"""The settings as the doctor reads them: what is wrong with them is a finding, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams.doctor.finding import Finding, doubtful, right, wrong
from streams.errors import SettingsError
from streams.settings.environment import PREFIX
from streams.settings.settings import Settings, read_settings, unknown_settings

_POLICY = f"{PREFIX}POLICY"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What there is to be looked at: settings, with the built-in policy where theirs is refused; and the problems.

    `unknown` are variables that look like settings and are none.
    """

    found: Settings | None
    problems: Sequence[str] = ()
    policy_problems: Sequence[str] = ()
    unknown: Sequence[str] = ()

    @property
    def settings(self) -> Settings:
        """The settings; asked only by checks that need them to be right."""
        assert self.found is not None  # noqa: S101 - see above
        return self.found


def read(overrides: Mapping[str, str]) -> Configuration:
    """Read the settings, with or without the policy that they name.

    Args:
        overrides: what stands before the environment, under the same names.
    """
    try:
        return Configuration(read_settings(overrides=overrides), unknown=unknown_settings())
    except SettingsError as error:
        of_policy = [problem for problem in error.problems if problem.startswith(f"{_POLICY}:")]
        others = [problem for problem in error.problems if problem not in of_policy]
    # Where only the policy is wrong, the servers can still be looked at.
    found = None if others else read_settings(overrides={**overrides, _POLICY: ""})
    return Configuration(found, others, of_policy, unknown_settings())


async def check_settings(configuration: Configuration) -> list[Finding]:
    """Report the settings that decide most; see `settings_findings`."""
    return settings_findings(configuration)


def settings_findings(configuration: Configuration) -> list[Finding]:
    """Say which settings are wrong, and which are none; passwords are not shown."""
    unknown = [doubtful(sentence, "Correct or remove the variable") for sentence in configuration.unknown]
    if configuration.found is None:
        return [wrong(problem, "Correct the variable or the option") for problem in configuration.problems] + unknown
    settings = configuration.found
    facts = {
        "brokers": settings.kafka_brokers,
        "namespace": settings.namespace,
        "clock": settings.clock,
        "policy": settings.policy_path or "built in",
    }
    return [right(", ".join(f"{name} {value}" for name, value in facts.items())), *unknown]


async def check_policy(configuration: Configuration) -> list[Finding]:
    """Say whether the policy is accepted, as `engagement policy check` does; see `policy_findings`."""
    return policy_findings(configuration)


def policy_findings(configuration: Configuration) -> list[Finding]:
    """Say what is wrong with the policy."""
    if configuration.policy_problems:
        return [wrong(problem, "Correct the file") for problem in configuration.policy_problems]
    # It has been read, whatever else is wrong.
    named = f"version {configuration.found.policy.version!r}" if configuration.found is not None else "it"
    return [right(f"{named} is accepted")]
