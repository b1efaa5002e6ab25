"""From the text of a policy file to a policy, or to every problem in it at once.

The form of the tables is theirs; here is what they say of each other, and what they make together.

Rests on decision 109.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from scoring.errors import PolicyError
from scoring.policy.channels import Channel
from scoring.policy.policy import Policy, counted_panes
from scoring.policy.topics import topics_by_section
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.channels import Channels, no_shared_sessions
from streams.policy_file.figures import Kpi
from streams.policy_file.funnels import Funnels, funnels
from streams.policy_file.measure_tables import Measures
from streams.policy_file.measures import MeasureReader
from streams.policy_file.scores import Scores, check_scores, named_scores
from streams.policy_file.sections import (
    Alerts,
    Bands,
    Clock,
    DeadLetters,
    Events,
    Identities,
    ProfilesTable,
    Window,
)
from streams.policy_file.segments import Segments, check_segments, profiles_of, segment_policies
from streams.policy_file.signal_tables import Signals
from streams.policy_file.signals import SignalReader
from streams.policy_file.source_tables import Sources
from streams.policy_file.sources import sources, watched_as_sources
from streams.policy_file.table import Check, Table, given, read_table, unsaid
from streams.policy_file.targets import Targets, published_names, targets

_LONGEST_VERSION: Final = 64
_NO_CHANNELS: Final = "channels: must hold at least one table, such as [channels.email]"


def _version(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.encode()) <= _LONGEST_VERSION:
        raise ValueError(f"must be a string of 1 to {_LONGEST_VERSION} bytes")
    return value


Version = Annotated[str, Check(_version, "", {"type": "string", "minLength": 1, "maxLength": _LONGEST_VERSION})]


class PolicyFile(Table):
    """A policy of engagement streams: what counts, and what follows from it."""

    version: Version | None = given(None, "is in every score and alert; must change whenever the file changes")
    window: Window = given(Window, "how far the score looks back, and in which steps")
    bands: Bands = given(Bands, "the lower bounds of the bands, in points")
    alerts: Alerts = given(Alerts, "when a drop or an absence raises an alert")
    clock: Clock = given(Clock, "what the stream clock waits for")
    events: Events = given(Events, "what is remembered of events")
    dead_letters: DeadLetters = given(DeadLetters, "when there are so many bad records that no more are read")
    kpi: Kpi = given(Kpi, "the figures over all customers")
    identities: Identities | None = given(None, "where the links between ids come from; none without the table")
    channels: Channels | None = given(None, "the channels, by their names; the built-in ones if none")
    sources: Sources = given({}, "topics with records of foreign shapes, by their names")
    measures: Measures = given({}, "numbers and words that are computed for each customer, by their names")
    funnels: Funnels = given({}, "steps that customers take one after the other, by the names of the funnels")
    targets: Targets = given({}, "targets of figures over all customers, by the names of the figures")
    signals: Signals = given({}, "messages about a customer at given moments, by the names of the signals")
    profiles: ProfilesTable | None = given(None, "where attributes of customers come from")
    segments: Segments | None = given(None, "what differs for the customers of a segment, by its name")
    scores: Scores = given({}, "other weights for the same counts, by the names of the scores")


def parse_policy(text: str) -> Policy:
    """Read a policy file.

    Args:
        text: TOML. Sections and keys that are left out take the built-in values; `channels`, where given, replaces
            the built-in channels.

    Returns:
        The policy.

    Raises:
        PolicyError: with every problem, if there is any.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"not TOML: {error}"]) from error
    policy = _policy(document, text)
    problems: list[str] = []

    def read(inner: Mapping[str, Any], where: str) -> Policy:
        try:
            return _policy(inner)
        except PolicyError as error:
            problems.extend(f"{where}.{problem}" for problem in error.problems)
        return policy

    segments = segment_policies(document, policy.version, read)
    scores = named_scores(document, policy.version, read)
    if problems:
        raise PolicyError(problems)
    return replace(policy, segments=segments, scores=scores) if segments or scores else policy


def builtin_policy() -> Policy:
    """Make the policy that holds where none is given."""
    return parse_policy(BUILTIN_POLICY)


def _policy(document: Mapping[str, Any], text: str = "") -> Policy:
    """Make the policy of a document, without segments and named scores."""
    wrong: list[str] = []
    written = read_table(PolicyFile, document, wrong)
    problems: list[str] = []
    for section in (written.window, written.dead_letters):
        section.check(problems)
    written.alerts.check(written.window, problems)
    values = _of_one_table(written, problems) | _of_channels(written, problems)
    _no_shared_topics(values, problems)
    check_segments(written.segments or {}, values["channels"], problems)
    check_scores(written.scores, values["channels"], problems)
    if wrong or problems:
        raise PolicyError([*wrong, *unsaid(problems, wrong)])
    return Policy(written.version or _unnamed(document), text=text, **values)


def _of_one_table(written: PolicyFile, problems: list[str]) -> dict[str, Any]:
    """Give the values of a policy for which one table is enough, by their names."""
    alerts, clock, limit = written.alerts, written.clock, written.dead_letters
    return {
        "length": written.window.length,
        "pane": written.window.pane,
        "trend": written.window.trend,
        "half_life": written.window.half_life,
        "bounds": written.bands.bounds(problems),
        "drops_into": alerts.drops_into,
        "rearm_margin": alerts.rearm_margin,
        "cooldown": alerts.cooldown,
        "warn_before": alerts.warn_before,
        "absence": alerts.absence.rule() if alerts.absence is not None else None,
        "lateness": clock.lateness,
        "idle_after": clock.idle_after,
        "remember_ids": written.events.remember_ids,
        "most_bad": limit.stop_above,
        "bad_over": limit.over,
        "bad_records": limit.at_least,
        "keep_figures": written.kpi.keep,
        "identities": written.identities.topic if written.identities is not None else "",
    }


def _of_channels(written: PolicyFile, problems: list[str]) -> dict[str, Any]:
    """Give the channels, and the values of a policy that name channels and their types, by their names."""
    channels, window = _channels(written, problems), written.window
    panes = counted_panes(window.length, max(window.pane, 1), window.trend)
    figures = written.kpi.rules(panes, channels, problems)
    declared = MeasureReader(channels, window.length, panes.pane, problems)
    measures = declared.read(written.measures)
    channels = declared.asked.added_to(channels)
    figures = replace(figures, funnels=funnels(written.funnels, window, channels, problems))
    names = published_names(measures, channels, figures, panes.spans())
    found_targets = targets(written.targets, names, measures, problems)
    signalling = SignalReader(channels, window, measures, figures.funnels, problems)
    signals, channels = signalling.read(written.signals), signalling.channels
    _no_shared_codes(channels, problems)
    found_sources = sources(written.sources, [channel.name for channel in channels], problems)
    profiles = profiles_of(written.profiles, written.segments, channels, measures, problems)
    return {
        "channels": watched_as_sources(channels, found_sources),
        "measures": measures,
        "figures": figures,
        "targets": found_targets,
        "signals": signals,
        "sources": found_sources,
        "profiles": profiles,
    }


def _unnamed(document: Mapping[str, Any]) -> str:
    digest = hashlib.blake2b(repr(document).encode(), digest_size=4).hexdigest()
    return f"unnamed-{digest}"


def _channels(written: PolicyFile, problems: list[str]) -> tuple[Channel, ...]:
    tables = written.channels
    if tables is None:
        tables = PolicyFile.model_validate(tomllib.loads(BUILTIN_POLICY)).channels or {}
    if not tables:
        problems.append(_NO_CHANNELS)
    channels = tuple([table.channel(index, name, problems) for index, (name, table) in enumerate(tables.items())])
    no_shared_sessions(channels, problems)
    return channels


def _no_shared_topics(values: Mapping[str, Any], problems: list[str]) -> None:
    owners: dict[str, str] = {}
    read = topics_by_section(values["channels"], values["identities"], values["profiles"], values["sources"])
    for section, topic in read:
        if topic in owners:
            problems.append(f"{section}.topic: {topic!r} is already the topic of {owners[topic]}")
        owners[topic] = section


def _no_shared_codes(channels: Sequence[Channel], problems: list[str]) -> None:
    owners: dict[str, str] = {}
    for channel in channels:
        codes = [(kind.code, f"{channel.name}.{kind.name}") for kind in channel.types]
        for pairing in channel.pairings:
            codes += pairing.own_codes(channel.name)
        for code, name in codes:
            if owners.setdefault(code, name) != name:
                problems.append(f"{name} and {owners[code]} have the same stored code; rename one")
