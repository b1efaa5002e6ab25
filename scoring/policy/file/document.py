"""From the text of a policy file to a policy, or to every problem in it at once."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from scoring.errors import PolicyError
from scoring.instants import DAY, format_duration, parse_duration
from scoring.mapping.source import Source
from scoring.points import POINT, to_millionths
from scoring.policy.builtin import BUILTIN_POLICY
from scoring.policy.file.absence import ABSENCE, read_absence
from scoring.policy.file.channels import SESSION_KEYS, no_shared_sessions, read_machine, read_sessions, types_of_people
from scoring.policy.file.identities import check_topic, read_identities
from scoring.policy.file.measures import MeasureReader
from scoring.policy.file.numbers import read_numbers
from scoring.policy.file.pairings import PAIRING_KEYS, read_pairings, with_objects
from scoring.policy.file.scores import SCORE_KEYS, with_scores
from scoring.policy.file.segments import SEGMENT_KEYS, read_profiles, with_segments
from scoring.policy.file.sentiment import KEY as SENTIMENT
from scoring.policy.file.sentiment import read_sentiment
from scoring.policy.file.sources import read_sources, watched_as_sources
from scoring.policy.file.targets import read_targets
from scoring.policy.file.type_rules import read_type_rules
from scoring.policy.policy import (
    AT_RISK,
    BANDS,
    DISENGAGED,
    NO_CAP,
    RESERVED_NAMES,
    Channel,
    EventType,
    Policy,
    topics_by_section,
    type_code,
)
from scoring.rules.segments import Profiles

_CHANNEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MOST_POINTS = 1_000_000
_MOST_PANES = 10_000
_DURATIONS = {
    "window": {"length": "30d", "pane": "1d", "trend": "7d", "half_life": "0s"},
    "alerts": {"cooldown": "24h", "warn_before": "0s"},
    "clock": {"lateness": "0s", "idle_after": "10s"},
    "events": {"remember_ids": "72h"},
    "dead_letters": {"over": "1m"},
    "kpi": {"keep": "400d"},
}
_KEYS = {
    "window": ("length", "pane", "trend", "half_life"),
    "bands": BANDS[1:],
    "alerts": ("drops", "rearm_margin", ABSENCE, "cooldown", "warn_before"),
    "clock": ("lateness", "idle_after"),
    "events": ("remember_ids",),
    "dead_letters": ("stop_above", "at_least", "over"),
    "kpi": ("keep",),
    "identities": ("topic",),
}
_CHANNEL_KEYS = (
    *("topic", "weights", "cap", "silence_after", *SESSION_KEYS, "machine", SENTIMENT, "types", "points"),
    *PAIRING_KEYS,
)
_STOP_ABOVE, _AT_LEAST = 0.95, 100
_MOST_AT_LEAST = 1_000_000
# The figures of a day look back a month, and compare with those of a month before.
_LEAST_KEPT = 62 * DAY
_BOUNDS = {"disengaged": 0, "engaged": 41, "highly_engaged": 71, "power": 101}


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
    policy = with_segments(_Reader(document, text).policy(), document, _read)
    return with_scores(policy, document, _read)


def _read(document: Mapping[str, Any]) -> Policy:
    return _Reader(document, "").policy()


def builtin_policy() -> Policy:
    """Make the policy that holds where none is given."""
    return parse_policy(BUILTIN_POLICY)


class _Reader:
    """Reads one document, noting each problem and going on with the default."""

    def __init__(self, document: Mapping[str, Any], text: str) -> None:
        self._document = document
        self._text = text
        self._problems: list[str] = []

    def policy(self) -> Policy:
        self._only(
            "",
            self._document,
            ("version", *_KEYS, "channels", "sources", "measures", "targets", *SEGMENT_KEYS, *SCORE_KEYS),
        )
        times: dict[str, Any] = {
            key: self._duration(section, key, default)
            for section, defaults in _DURATIONS.items()
            for key, default in defaults.items()
        }
        self._window(times["length"], times["pane"], times["half_life"])
        if times["warn_before"] >= times["length"] > 0:
            self._problems.append("alerts.warn_before: must be less than window.length; no drop is foreseen for longer")
        policy_version = self._version()
        bounds = self._bands()
        drops = self._section("alerts").get("drops", BANDS[DISENGAGED])
        if drops not in BANDS[: DISENGAGED + 1]:
            self._problems.append(f"alerts.drops: must be {BANDS[DISENGAGED]} or {BANDS[AT_RISK]}, not {drops!r}")
        margin = self._points("alerts.rearm_margin", self._section("alerts").get("rearm_margin", 5))
        if margin < 0:
            self._problems.append("alerts.rearm_margin: must be 0 or more points")
        absence = read_absence(self._section("alerts"), self._points, self._problems)
        most_bad, bad_records = self._dead_letters(times["over"])
        kept = self._kept(times.pop("keep"))
        channels = self._channels()
        identities = read_identities(self._document, self._problems)
        declared = MeasureReader(channels, times["length"], max(times["pane"], 1), self._points, self._problems)
        measures = declared.read(self._document.get("measures", {}))
        targets = read_targets(self._document, measures, self._problems)
        channels = declared.asked_for(channels)
        self._no_shared_codes(channels)
        sources = read_sources(self._document, [channel.name for channel in channels], self._problems)
        profiles = read_profiles(self._document, channels, measures, self._problems)
        self._no_shared_topics(channels, identities, profiles, sources)
        if self._problems:
            raise PolicyError(self._problems)
        return Policy(
            policy_version,
            channels=watched_as_sources(channels, sources),
            measures=measures,
            bounds=bounds,
            drops_into=AT_RISK if drops == BANDS[AT_RISK] else DISENGAGED,
            rearm_margin=margin,
            absence=absence,
            most_bad=most_bad,
            bad_records=bad_records,
            bad_over=times.pop("over"),
            text=self._text,
            keep_figures=kept,
            identities=identities,
            profiles=profiles,
            sources=sources,
            targets=targets,
            **times,
        )

    def _only(self, where: str, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
        for key in table:
            if key not in allowed:
                self._problems.append(f"{where}{key}: unknown key; allowed here: {', '.join(allowed)}")

    def _section(self, name: str) -> Mapping[str, Any]:
        table = self._document.get(name, {})
        if isinstance(table, dict):
            return table
        return {}

    def _version(self) -> str:
        version = self._document.get("version")
        if version is None:
            digest = hashlib.blake2b(repr(self._document).encode(), digest_size=4).hexdigest()
            return f"unnamed-{digest}"
        if not isinstance(version, str) or not version or len(version.encode()) > 64:  # noqa: PLR2004 - stated in the message
            self._problems.append("version: must be a string of 1 to 64 bytes")
        return str(version)

    def _duration(self, section: str, key: str, default: str) -> int:
        table = self._document.get(section, {})
        if not isinstance(table, dict):
            if key == _KEYS[section][-1]:
                self._problems.append(f"{section}: must be a table, [{section}]")
            table = {}
        elif key == next(iter(_DURATIONS[section])):
            self._only(f"{section}.", table, _KEYS[section])
        value = table.get(key, default)
        try:
            return parse_duration(value)
        except (ValueError, TypeError):
            self._problems.append(f"{section}.{key}: {value!r} is not a duration such as 30d, 24h, 15m, 10s or 500ms")
            return parse_duration(default)

    def _window(self, length: int, pane: int, half_life: int) -> None:
        if pane <= 0 or length <= 0:
            self._problems.append("window.length and window.pane: must be more than 0")
        elif length % pane:
            self._problems.append(
                f"window.pane: {format_duration(pane)} does not divide window.length {format_duration(length)}; "
                "the length must be a whole number of panes"
            )
        elif length // pane > _MOST_PANES:
            self._problems.append(f"window.pane: the window may hold at most {_MOST_PANES} panes")
        if 0 < half_life < pane / 50:
            self._problems.append("window.half_life: must be at least a fiftieth of window.pane, or left out")

    def _dead_letters(self, over: int) -> tuple[int, int]:
        """Read the share, in millionths, and the least number of records that it is taken over."""
        table = self._section("dead_letters")
        share = self._points("dead_letters.stop_above", table.get("stop_above", _STOP_ABOVE))
        if not 0 <= share <= POINT:
            self._problems.append("dead_letters.stop_above: must be a share from 0 to 1; 1 never stops")
        least = table.get("at_least", _AT_LEAST)
        if isinstance(least, bool) or not isinstance(least, int) or not 1 <= least <= _MOST_AT_LEAST:
            self._problems.append(f"dead_letters.at_least: {least!r} is not a number of records, 1 to {_MOST_AT_LEAST}")
            least = _AT_LEAST
        if over <= 0:
            self._problems.append("dead_letters.over: must be more than 0")
        return share, least

    def _kept(self, keep: int) -> int:
        if keep < _LEAST_KEPT:
            self._problems.append(f"kpi.keep: must be at least {format_duration(_LEAST_KEPT)}")
        return keep

    def _bands(self) -> tuple[int, int, int, int]:
        table = self._document.get("bands", {})
        if not isinstance(table, dict):
            self._problems.append("bands: must be a table, [bands]")
            table = {}
        self._only("bands.", table, BANDS[1:])
        first, second, third, fourth = (
            self._points(f"bands.{name}", table.get(name, default)) for name, default in _BOUNDS.items()
        )
        if not first < second < third < fourth:
            self._problems.append(f"bands: out of order; the lower bounds must rise: {' < '.join(BANDS[1:])}")
        return first, second, third, fourth

    def _points(self, where: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._problems.append(f"{where}: {value!r} is not a number")
            return 0
        if abs(value) > _MOST_POINTS:
            self._problems.append(f"{where}: {value!r} is outside -{_MOST_POINTS} to {_MOST_POINTS}")
            return 0
        try:
            return to_millionths(value)
        except ValueError as error:
            self._problems.append(f"{where}: {error}")
            return 0

    def _channels(self) -> tuple[Channel, ...]:
        tables = self._document.get("channels")
        if tables is None:
            tables = tomllib.loads(BUILTIN_POLICY)["channels"]
        if not isinstance(tables, dict) or not tables:
            self._problems.append("channels: must hold at least one table, such as [channels.email]")
            return ()
        channels = tuple(self._channel(index, name, table) for index, (name, table) in enumerate(tables.items()))
        no_shared_sessions(channels, self._problems)
        return channels

    def _channel(self, index: int, name: str, table: object) -> Channel:
        where = f"channels.{name}"
        if not _CHANNEL_NAME.fullmatch(name):
            self._problems.append(f"{where}: a channel's name is 1 to 32 characters out of a-z 0-9 _, a letter first")
        if name in RESERVED_NAMES:
            self._problems.append(f"{where}: the name is that of a field of the score; choose another")
        if not isinstance(table, dict):
            self._problems.append(f"{where}: must be a table, [{where}]")
            return Channel(name, name, ())
        self._only(f"{where}.", table, _CHANNEL_KEYS)
        topic = table.get("topic", name)
        check_topic(where, topic, self._problems)
        weights = self._table(f"{where}.weights", table.get("weights"))
        caps = self._table(f"{where}.cap", table.get("cap", {}))
        for kind in caps:
            if kind not in weights:
                self._problems.append(f"{where}.cap.{kind}: there is no weight for this type in {where}.weights")
        types = tuple(
            EventType(
                type_code(name, kind),
                index,
                kind,
                self._points(f"{where}.weights.{kind}", weight),
                self._cap(f"{where}.cap.{kind}", caps.get(kind)),
            )
            for kind, weight in weights.items()
        )
        silence_after = self._silence_after(where, table.get("silence_after", "0s"))
        unweighted, machine = read_machine(name, index, table, types, self._problems)
        by_people = types_of_people(types, machine)
        sessions = read_sessions(name, table, by_people, self._problems)
        rules = read_type_rules(name, table, types, self._problems)
        pairings = read_pairings(name, table, types, self._problems)
        types, numbers = read_numbers(name, table, types, self._points, self._problems)
        types = with_objects((*types, *unweighted), pairings)
        sentiment = read_sentiment(name, table, self._problems)
        return Channel(name, str(topic), types, silence_after, sessions, machine, pairings, rules, numbers, sentiment)

    def _silence_after(self, where: str, value: Any) -> int:
        try:
            return parse_duration(value)
        except (ValueError, TypeError):
            problem = f"{value!r} is not a duration such as 30d, 24h, 15m, 10s or 500ms"
            self._problems.append(f"{where}.silence_after: {problem}")
            return 0

    def _table(self, where: str, table: object) -> Mapping[str, Any]:
        if isinstance(table, dict):
            return table
        self._problems.append(f"{where}: must be a table such as {{ open = 1, click = 5 }}")
        return {}

    def _cap(self, where: str, cap: object) -> int:
        if cap is None:
            return NO_CAP
        if isinstance(cap, bool) or not isinstance(cap, int) or cap < 1:
            self._problems.append(f"{where}: {cap!r} is not a whole number of 1 or more")
            return NO_CAP
        return cap

    def _no_shared_topics(
        self,
        channels: tuple[Channel, ...],
        identities: str,
        profiles: Profiles | None,
        sources: tuple[Source, ...],
    ) -> None:
        owners: dict[str, str] = {}
        for section, topic in topics_by_section(channels, identities, profiles, sources):
            if topic in owners:
                self._problems.append(f"{section}.topic: {topic!r} is already the topic of {owners[topic]}")
            owners[topic] = section

    def _no_shared_codes(self, channels: tuple[Channel, ...]) -> None:
        owners: dict[str, str] = {}
        for channel in channels:
            codes = [(kind.code, f"{channel.name}.{kind.name}") for kind in channel.types]
            for pairing in channel.pairings:
                codes += pairing.own_codes(channel.name)
            for code, name in codes:
                if owners.setdefault(code, name) != name:
                    self._problems.append(f"{name} and {owners[code]} have the same stored code; rename one")
