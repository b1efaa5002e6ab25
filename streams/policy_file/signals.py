"""The part of a policy file that says what else is said of a customer, and when: `[signals.<name>]`.

Rests on decisions 96, 97 and 98.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from scoring.instants import format_duration
from scoring.policy.policy import BANDS, Channel, EventType
from scoring.rules.quiet_hours import QuietHours
from scoring.rules.signals import BAND, EVENT, MOVE, NO_BAND, SEVERITIES, WITHOUT, SignalRule
from streams.policy_file.words import NAME, duration, points

SIGNAL_KEYS = ("signals",)
#: Each is looked at with every event of a customer.
MOST_SIGNALS: Final = 50
#: The keys of which a table has exactly one, the kind of rule, and what may stand beside it.
_KINDS: Final = {
    "on": (EVENT, ()),
    "after": (WITHOUT, ("without", "without_band", "within", "object")),
    "reaches": (BAND, ()),
    "leaves": (BAND, ()),
    "falls_by": (MOVE, ("within",)),
    "rises_by": (MOVE, ("within",)),
}
_COMMON: Final = ("cooldown", "quiet", "timezone", "severity", "title", "message")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_LONGEST_TITLE, _LONGEST_TEXT, _LONGEST_PROPERTY = 100, 1_000, 100
_PERCENT: Final = re.compile(r"\d+(?:\.\d+)?%")

Table = Mapping[str, Any]
Channels = tuple[Channel, ...]


def read_signals(
    document: Table,
    channels: Channels,
    window: Mapping[str, int],
    problems: list[str],
) -> tuple[tuple[SignalRule, ...], Channels]:
    """Read the signals.

    Args:
        document: of the file.
        channels: of the policy.
        window: its `length`, `pane` and `trend`, in microseconds.
        problems: every problem that is found is added to these.

    Returns:
        The rules, in the order of the file; and the channels, whose types name the objects that the rules ask for.
    """
    tables = document.get("signals", {})
    if not isinstance(tables, dict):
        problems.append("signals: must hold tables, such as [signals.upsell]")
        return (), channels
    if len(tables) > MOST_SIGNALS:
        problems.append(f"signals: there may be at most {MOST_SIGNALS}")
    rules: list[SignalRule] = []
    for name, table in tables.items():
        where = f"signals.{name}"
        if not re.fullmatch(NAME, name):
            problems.append(f"{where}: a signal's name is 1 to 32 characters out of a-z 0-9 _, a letter first")
        if not isinstance(table, dict):
            problems.append(f"{where}: must be a table, [{where}]")
            continue
        reader = _Reader(where, table, channels, window, problems)
        rule = reader.rule(name)
        if rule is None:
            continue
        if rule.code in [other.code for other in rules]:
            problems.append(f"{where}: has the same stored code as another signal; rename one")
        rules.append(rule)
        channels = reader.channels
    return tuple(rules), channels


class _Reader:
    """Reads one table, noting each problem and going on without what has one."""

    def __init__(
        self,
        where: str,
        table: Table,
        channels: Channels,
        window: Mapping[str, int],
        problems: list[str],
    ) -> None:
        self._where = where
        self._table = table
        self.channels = channels
        self._window = window
        self._problems = problems

    def rule(self, name: str) -> SignalRule | None:
        """Read the rule; None where it cannot be told which kind it is of."""
        table = self._table
        given = [key for key in _KINDS if key in table]
        if len(given) != 1:
            self._note("", f"must have one of {', '.join(_KINDS)}" + (f", not {' and '.join(given)}" if given else ""))
            return None
        [key] = given
        kind, beside = _KINDS[key]
        allowed = (key, *beside, *_COMMON)
        for other in table:
            if other not in allowed:
                self._note(other, f"unknown key; allowed beside {key}: {', '.join(allowed[1:])}")
        plain = SignalRule(
            name,
            kind,
            cooldown=self._duration("cooldown", table.get("cooldown", "0s"), 0),
            quiet=self._quiet(),
            severity=self._severity(),
            title=self._text("title", _LONGEST_TITLE),
            message=self._text("message", _LONGEST_TEXT),
        )
        if kind == EVENT:
            return replace(plain, on=tuple([each.code for each in self._types(key)]))
        if kind == BAND:
            band = self._band(key)
            return replace(plain, reaches=band) if key == "reaches" else replace(plain, leaves=band)
        return self._without(plain) if kind == WITHOUT else self._move(plain, key)

    def _note(self, key: str, problem: str) -> None:
        self._problems.append(f"{self._where}{'.' if key else ''}{key}: {problem}")

    def _without(self, plain: SignalRule) -> SignalRule:
        table = self._table
        after = self._types("after")
        without = self._types("without") if "without" in table else []
        band = self._band("without_band") if "without_band" in table else NO_BAND
        if not without and band == NO_BAND:
            self._note("without", "say which types, or by without_band which band, are to come after it")
        for kind in [kind for kind in after if kind in without]:
            self._note("without", f"{kind.name!r} stands in after, too")
        within = self._within(self._window["length"], "window.length")
        about = table.get("object", "")
        feeds = [self.channels[kind.channel].name for kind in without]
        if band != NO_BAND:
            feeds = [channel.name for channel in self.channels]
        if "object" in table:
            if not isinstance(about, str) or not 0 < len(about) <= _LONGEST_PROPERTY:
                self._note("object", f"{about!r} is not the name of a property")
            elif band != NO_BAND:
                self._note("object", "a band is of no object; leave out one of the two")
            else:
                without += self._taking_back(after, about)
                self._name_objects([*after, *without], about)
        return replace(
            plain,
            on=tuple([kind.code for kind in after]),
            without=tuple(dict.fromkeys(kind.code for kind in without)),
            without_band=band,
            within=within,
            about=str(about),
            feeds=tuple(dict.fromkeys(feeds)),
        )

    def _move(self, plain: SignalRule, key: str) -> SignalRule:
        value = self._table[key]
        within = self._within(self._window["trend"], "window.trend, as far back as counts are kept")
        if within % max(self._window["pane"], 1):
            self._note("within", f"must be a whole number of panes of {format_duration(self._window['pane'])}")
        points = share = 0
        if isinstance(value, str) and _PERCENT.fullmatch(value):
            share = self._points(key, float(value[:-1]) / 100)
        else:
            points = self._points(key, value)
        if points <= 0 and share <= 0:
            self._note(key, f'{value!r} is neither a number of points above 0 nor a share such as "50%"')
        return replace(plain, points=points, share=share, rises=key == "rises_by", within=within)

    def _types(self, key: str) -> list[EventType]:
        written = self._table[key]
        names = [written] if isinstance(written, str) else written
        if not isinstance(names, list) or not names:
            self._note(key, f'{written!r} is not a list of types such as ["web.purchase"]')
            return []
        known = {f"{channel.name}.{kind.name}": kind for channel in self.channels for kind in channel.types}
        found: list[EventType] = []
        for name in names:
            if not isinstance(name, str) or name not in known:
                self._note(key, f"there is no weight for {name!r}; a type is written CHANNEL.TYPE, and 0 will do")
            elif known[name] not in found:
                found.append(known[name])
        return found

    def _taking_back(self, after: Sequence[EventType], about: str) -> list[EventType]:
        """Give the types that take back those that wait, of the same object: what is taken back waits for nothing."""
        codes = {kind.code for kind in after}
        found = []
        for channel in self.channels:
            by = {
                retraction.code
                for pairing in channel.pairings
                if pairing.key == about
                for retraction in pairing.retractions
                if codes & set(retraction.takes_back)
            }
            found += [kind for kind in channel.types if kind.code in by and kind.code not in codes]
        return found

    def _name_objects(self, types: Sequence[EventType], about: str) -> None:
        """Have the types name their objects: the digest of one is that of its channel, so they have to be of one."""
        if len({kind.channel for kind in types}) > 1:
            self._note("object", "the types must be of one channel")
            return
        others = [kind for kind in types if kind.object_property not in ("", about)]
        for kind in others:
            self._note("object", f"the channel names the object of {kind.name!r} by {kind.object_property!r}")
        codes = {kind.code for kind in types}
        self.channels = tuple(
            [
                replace(
                    channel,
                    types=tuple(
                        [replace(kind, object_property=about) if kind.code in codes else kind for kind in channel.types]
                    ),
                )
                for channel in self.channels
            ]
        )

    def _band(self, key: str) -> int:
        band = self._table[key]
        if band in BANDS[1:]:
            return BANDS.index(band)
        self._note(key, f"{band!r} is not one of {', '.join(BANDS[1:])}")
        return NO_BAND

    def _within(self, most: int, what: str) -> int:
        within = self._duration("within", self._table.get("within"), most)
        if not 0 < within <= most:
            self._note("within", f"must be more than 0 and at most {format_duration(most)}: {what}")
        return within

    def _duration(self, key: str, value: Any, default: int) -> int:
        try:
            return duration(value)
        except ValueError as error:
            self._note(key, str(error))
            return default

    def _points(self, key: str, value: object) -> int:
        try:
            return points(value)
        except ValueError as error:
            self._note(key, str(error))
            return 0

    def _quiet(self) -> QuietHours | None:
        if "quiet" not in self._table:
            if "timezone" in self._table:
                self._note("timezone", "there is no quiet")
            return None
        written, timezone = self._table["quiet"], self._table.get("timezone", "UTC")
        match = _CLOCK.fullmatch(written) if isinstance(written, str) else None
        if match is None or written[:5] == written[6:]:
            self._note("quiet", f'{written!r} is not a part of the day such as "22:00-08:00"')
            return None
        try:
            zoneinfo.ZoneInfo(timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            self._note("timezone", f"{timezone!r} is not a time zone such as Europe/Berlin")
            return None
        hour, minute, end_hour, end_minute = map(int, match.groups())
        return QuietHours(hour * 60 + minute, end_hour * 60 + end_minute, timezone)

    def _severity(self) -> str:
        severity = self._table.get("severity", "notice")
        if severity not in SEVERITIES:
            self._note("severity", f"{severity!r} is not one of {', '.join(SEVERITIES)}")
            return "notice"
        return str(severity)

    def _text(self, key: str, longest: int) -> str:
        text = self._table.get(key, "")
        if not isinstance(text, str) or len(text) > longest:
            self._note(key, f"must be a text of at most {longest} characters")
            return ""
        return text
