"""The signals of a policy file, held against its channels, window and measures.

Rests on decisions 96, 97 and 98.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scoring.instants import format_duration
from scoring.policy.channels import Channel, EventType
from scoring.policy.policy import BANDS
from scoring.rules.funnels import Funnel
from scoring.rules.measures import Measure
from scoring.rules.signals import BAND, EVENT, FUNNEL, MEASURE, MOVE, NO_BAND, WITHOUT, SignalRule
from streams.policy_file.channels import types_by_name
from streams.policy_file.sections import Window
from streams.policy_file.signal_tables import (
    MOST_SIGNALS,
    EventSignal,
    FallSignal,
    FunnelSignal,
    LeftSignal,
    MeasureSignal,
    ReachedSignal,
    RiseSignal,
    SignalTable,
    Size,
    WaitSignal,
)
from streams.policy_file.words import check_name


class SignalReader:
    """Makes the signals of one document, noting each problem and going on without what has one."""

    def __init__(
        self,
        channels: tuple[Channel, ...],
        window: Window,
        measures: Sequence[Measure],
        funnels: Sequence[Funnel],
        problems: list[str],
    ) -> None:
        """Prepare.

        Args:
            channels: of the policy.
            window: of the policy.
            measures: of the policy.
            funnels: of the policy.
            problems: what is wrong is added.
        """
        #: The channels, whose types name the objects that the rules ask for.
        self.channels = channels
        self._window = window
        self._measures = {measure.name: measure for measure in measures}
        self._funnels = {funnel.name: funnel for funnel in funnels}
        self._problems = problems
        self._where = ""

    def read(self, tables: Mapping[str, Any]) -> tuple[SignalRule, ...]:
        """Make all signals.

        Args:
            tables: by the names of the signals.

        Returns:
            The rules, in the order of the file.
        """
        if len(tables) > MOST_SIGNALS:
            self._problems.append(f"signals: there may be at most {MOST_SIGNALS}")
        rules: dict[str, SignalRule] = {}
        for name, table in tables.items():
            self._where = f"signals.{name}"
            check_name(self._where, "a signal's name", name, self._problems)
            if not isinstance(table, SignalTable):
                continue
            rule = self._rule(name, table)
            if rules.setdefault(rule.code, rule) is not rule:
                self._note("", "has the same stored code as another signal; rename one")
        return tuple(rules.values())

    def _rule(self, name: str, table: SignalTable) -> SignalRule:
        plain = SignalRule(
            name,
            EVENT,
            cooldown=table.cooldown,
            quiet=table.quiet_hours(self._where, self._problems),
            severity=table.severity,
            title=table.title,
            message=table.message,
        )
        match table:
            case EventSignal():
                rule = replace(plain, on=_codes(self._types("on", table.on)))
            case WaitSignal():
                rule = self._wait(plain, table)
            case ReachedSignal():
                rule = replace(plain, kind=BAND, reaches=BANDS.index(table.reaches))
            case LeftSignal():
                rule = replace(plain, kind=BAND, leaves=BANDS.index(table.leaves))
            case FallSignal():
                rule = self._move(plain, table.falls_by, table.within)
            case RiseSignal():
                rule = replace(self._move(plain, table.rises_by, table.within), rises=True)
            case MeasureSignal():
                rule = self._measure(plain, table)
            case FunnelSignal():
                rule = self._funnel(plain, table)
            case _:  # pragma: no cover - there are no other models
                raise AssertionError(table)
        return rule

    def _note(self, key: str, problem: str) -> None:
        self._problems.append(f"{self._where}{'.' if key else ''}{key}: {problem}")

    def _move(self, plain: SignalRule, size: Size, within: int) -> SignalRule:
        self._within(within, self._window.trend, "window.trend, as far back as counts are kept")
        if within % max(self._window.pane, 1):
            self._note("within", f"must be a whole number of panes of {format_duration(self._window.pane)}")
        return replace(plain, kind=MOVE, points=size.points, share=size.share, within=within)

    def _measure(self, plain: SignalRule, table: MeasureSignal) -> SignalRule:
        measure = self._measures.get(table.measure) if isinstance(table.measure, str) else None
        if measure is None:
            known = ", ".join(self._measures) or "none"
            self._note("measure", f"there is no measure {table.measure!r}; there are {known}")
        elif not measure.is_number:
            self._note("measure", "the measure is a word, and has no bounds")
        if table.at_least is None and table.at_most is None:
            self._note("at_least", "say from which value on it holds, or by at_most up to which")
        elif table.at_least is not None and table.at_most is not None and table.at_least > table.at_most:
            self._note("at_least", "is more than at_most")
        return replace(
            plain,
            kind=MEASURE,
            measure=str(table.measure),
            at_least=table.at_least,
            at_most=table.at_most,
            feeds=self._feeds_of(measure) if measure is not None else (),
        )

    def _feeds_of(self, measure: Measure) -> tuple[str, ...]:
        """Name the channels of whose events a measure is."""
        asked = {*measure.of, *measure.less, *measure.to, measure.channel}
        return tuple([channel.name for channel in self.channels if asked & _all_codes(channel)])

    def _funnel(self, plain: SignalRule, table: FunnelSignal) -> SignalRule:
        funnel = self._funnels.get(table.funnel) if isinstance(table.funnel, str) else None
        if funnel is None:
            known = ", ".join(self._funnels) or "none"
            self._note("funnel", f"there is no funnel {table.funnel!r}; there are {known}")
        elif table.step > len(funnel.steps):
            self._note("step", f"the funnel has {len(funnel.steps)} steps")
        return replace(plain, kind=FUNNEL, funnel=str(table.funnel), step=table.step)

    def _wait(self, plain: SignalRule, table: WaitSignal) -> SignalRule:
        after = self._types("after", table.after)
        without = self._types("without", table.without) if table.without is not None else []
        band = BANDS.index(table.without_band) if table.without_band is not None else NO_BAND
        if not without and band == NO_BAND:
            self._note("without", "say which types, or by without_band which band, are to come after it")
        for kind in [kind for kind in after if kind in without]:
            self._note("without", f"{kind.name!r} stands in after, too")
        feeds = [self.channels[kind.channel].name for kind in without]
        if band != NO_BAND:
            feeds = [channel.name for channel in self.channels]
        about = table.object or ""
        if about and band != NO_BAND:
            self._note("object", "a band is of no object; leave out one of the two")
        elif about:
            without += self._taking_back(after, about)
            self._name_objects([*after, *without], about)
        return replace(
            plain,
            kind=WITHOUT,
            on=_codes(after),
            without=tuple(dict.fromkeys(_codes(without))),
            without_band=band,
            within=self._within(table.within, self._window.length, "window.length"),
            about=about,
            feeds=tuple(dict.fromkeys(feeds)),
        )

    def _types(self, key: str, names: Sequence[str]) -> list[EventType]:
        known = types_by_name(self.channels)
        for name in names:
            if name not in known:
                self._note(key, f"there is no weight for {name!r}; a type is written CHANNEL.TYPE, and 0 will do")
        return [known[name] for name in names if name in known]

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

    def _within(self, within: int, most: int, what: str) -> int:
        if not 0 < within <= most:
            self._note("within", f"must be more than 0 and at most {format_duration(most)}: {what}")
        return within


def _all_codes(channel: Channel) -> set[str]:
    """Give the codes under which anything is counted of a channel: events, amounts, what they make, and sessions."""
    codes = {code for pairing in channel.pairings for code, _ in pairing.own_codes(channel.name)}
    codes.update([rule.channel for _, rule in channel.sessions])
    for kind in channel.types:
        codes.update([kind.code, *[amount.code for amount in kind.amounts]])
    return codes


def _codes(types: Sequence[EventType]) -> tuple[str, ...]:
    return tuple([kind.code for kind in types])
