"""Signals by brute force: from the raw events alone, each rule by its definition, nothing kept from one to the next."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from tests.reference import brute_force
from tests.reference.brute_force import BANDS, Event, Policy, duration, durations_of, millionths, segment_of, standing
from tests.reference.feeds import Feed, brought_points, watched
from tests.reference.funnels import passes
from tests.reference.measures import DAY, MILLION, Customer, RawEvent, written

#: An end lists so many signals, the first one and the newest.
_MOST_OPEN = 16

#: The score of some events by a policy at a time, in millionths.
Score = Callable[[list[Event], Policy, int], int]


class Told(NamedTuple):
    """A signal that was raised, or has ended: then with the times of those that it closes."""

    name: str
    time: int
    ended: bool = False
    closes: tuple[int, ...] = ()


class Moment(NamedTuple):
    """A moment at which a customer is judged: time, whether by an event, what is known by then, score and band.

    The policy is that of the segment; `before` is the same time without the event, where that has changed the segment.
    """

    time: int
    by_event: bool
    known: Sequence[Event]
    policy: Policy
    score: int
    band: str
    before: Moment | None = None


def signals(
    events: Sequence[Event],
    text: str,
    policy: Policy,
    until: int,
    since: int = -1,
    score_of: Score = brute_force.score_of,
    feeds: Mapping[str, Feed] | None = None,
) -> list[Told]:
    """Give all signals of one customer up to a time, by name and time.

    Args:
        events: of the customer, as their properties make them count, in the order of time, no two at one.
        text: of the policy's file, with its signals.
        policy: the same, without them.
        until: microseconds.
        since: the policy has the signals from then on; what happened by then is no matter of theirs.
        score_of: what the score is.
        feeds: those that are watched, by their channels.
    """
    feeds = feeds or {}
    known = [event for event in events if event.time <= until]
    moments = list(_moments(known, policy, until, score_of))
    found: list[Told] = []
    document = tomllib.loads(text)
    for channel in document.get("channels", {}).values():
        channel.pop("types", None)
    for name, table in document.get("signals", {}).items():
        cooldown = duration(table.get("cooldown", "0s"))
        if "on" in table:
            times = [event.time for event in known if event.time > since and _is(event, table["on"])]
            found += [Told(name, time) for time in _cooled(times, cooldown)]
        elif "after" in table:
            found += _waits(name, table, known, moments, until, since, feeds)
        else:
            level = _Level(name, table, document, cooldown, since, score_of, feeds)
            found += level.judge(moments, until)
    return sorted(found)


def _moments(events: Sequence[Event], policy: Policy, until: int, score_of: Score) -> Iterator[Moment]:
    if not events:
        return
    first = events[0].time // policy.pane + 1
    times = [(pane * policy.pane, 0, 0) for pane in range(first, until // policy.pane + 1)]
    times += [(event.time, 1, index) for index, event in enumerate(events)]
    segment = segment_of(list(events[:1]))
    for time, step, index in sorted(times):
        known = events[: index + 1] if step else [event for event in events if event.time < time]
        own, another = policy.of(segment_of(list(known))), policy.of(segment)
        before = _moment(time, bool(step), events[:index], own, score_of) if own is not another else None
        segment = segment_of(list(known))
        yield _moment(time, bool(step), known, own, score_of)._replace(before=before)


def _moment(time: int, by_event: bool, known: Sequence[Event], policy: Policy, score_of: Score) -> Moment:  # noqa: FBT001
    score = score_of(list(known), policy, time)
    return Moment(time, by_event, known, policy, score, policy.band(score))


def _is(event: Event, names: str | list[str]) -> bool:
    return f"{event.channel}.{event.type}" in ([names] if isinstance(names, str) else names)


def _cooled(times: Sequence[int], cooldown: int) -> list[int]:
    told: list[int] = []
    for time in times:
        if not told or time >= told[-1] + cooldown:
            told.append(time)
    return told


def _waits(
    name: str,
    table: dict[str, Any],
    events: Sequence[Event],
    moments: Sequence[Moment],
    until: int,
    since: int,
    feeds: Mapping[str, Feed],
) -> Iterator[Told]:
    boundaries = [moment.time for moment in moments if not moment.by_event]
    asked = _answering(table, feeds)
    within, about = duration(table["within"]), "object" in table
    raised: list[tuple[int, str]] = []
    answers_of: dict[str, list[tuple[int, bool]]] = {}
    for thing in sorted({event.object if about else "" for event in events}):
        of_it = [event for event in events if not about or event.object == thing]
        answers = [(event.time, True) for event in of_it if _is(event, table.get("without", []))]
        if "without_band" in table:
            high = BANDS[BANDS.index(table["without_band"]) :]
            answers += [(each.time, each.by_event) for each in moments if each.band in high]
        answers_of[thing] = sorted(answers)
        begun = since + 1
        for event in of_it:
            if event.time < begun or not _is(event, table["after"]):
                continue
            end = _clear(event.time + within, boundaries, until, asked)
            # At one time a boundary goes first, then the end of a wait, then an event.
            answered = [
                at for at, is_event in answers if (event.time <= at < end if is_event else event.time < at <= end)
            ]
            begun = min(answered) + 1 if answered else end
            if not answered and end <= until:
                raised.append((end, thing))
    cooldown, told = duration(table.get("cooldown", "0s")), list[tuple[int, str]]()
    for time, thing in sorted(raised):
        if not told or time >= told[-1][0] + cooldown:
            told.append((time, thing))
    yield from [Told(name, time) for time, _ in told]
    for thing, answers in answers_of.items():
        yield from _ends(name, [time for time, of in told if of == thing], [at for at, _ in answers])


def _answering(table: dict[str, Any], feeds: Mapping[str, Feed]) -> list[Feed]:
    """Give the feeds by which an answer comes; a band may be reached by any."""
    if "without_band" in table:
        return list(feeds.values())
    names = table["without"]
    channels = {each.partition(".")[0] for each in ([names] if isinstance(names, str) else names)}
    return [feed for channel, feed in feeds.items() if channel in channels]


def _clear(end: int, boundaries: Sequence[int], until: int, feeds: Sequence[Feed]) -> int:
    """Give the end of a wait: where a feed is silent then, the first boundary after it at which none is."""
    for at in (end, *[boundary for boundary in boundaries if boundary > end]):
        if not any(feed.silent(at) for feed in feeds):
            return at
    return until + 1


def _ends(name: str, raised: Sequence[int], answers: Sequence[int]) -> Iterator[Told]:
    closed = 0
    for at in answers:
        closes = tuple([time for time in raised if closed < time <= at])
        if closes:
            yield Told(name, at, ended=True, closes=(closes[0], *closes[1:][1 - _MOST_OPEN :]))
            closed = at


@dataclass
class _Level:
    """What holds for a while: it is told when it begins to, or once its cooldown and the silence of feeds are over."""

    name: str
    table: dict[str, Any]
    document: dict[str, Any]
    cooldown: int
    since: int
    score_of: Score
    feeds: Mapping[str, Feed]
    told: list[Told] = field(default_factory=list)
    last: int | None = None
    open_since: int | None = None
    #: What is to be told waits: for the channels that may be why, until the end of the cooldown or for a feed.
    waits: bool = False
    channels: Collection[str] = ()
    due: int | None = None

    def judge(self, moments: Sequence[Moment], until: int) -> list[Told]:
        """Judge each moment, and between them the end of the cooldown."""
        held, score = self._holds(None), 0
        for moment in moments:
            at, by_event = moment.time, moment.by_event
            if self.due is not None and (self.due < at or (self.due == at and by_event)):
                self._look(self.due)
            if moment.before is not None:
                # What another segment makes of the same points raises nothing.
                held, score = self._holds(moment.before), moment.before.score
            holds = self._holds(moment)
            if not holds:
                self._end(at)
            elif at > self.since and self.open_since is None:
                if self.waits:
                    if self.due is None and (not by_event or moment.score < score):
                        self._look(at, asks=not by_event)
                elif not held:
                    self._begin(moment)
            held, score = holds, moment.score
        if self.due is not None and self.due <= until:
            self._look(self.due)
        return self.told

    def _begin(self, moment: Moment) -> None:
        by_event, time = moment.by_event, moment.time
        self.waits, self.due, self.channels = True, None, ()
        if "leaves" in self.table or "falls_by" in self.table:
            self.channels = brought_points(moment.policy, moment.known, time if by_event else time - 1)
        elif "measure" in self.table:
            measure = self.document["measures"][self.table["measure"]]
            types = [each for key in ("of", "less", "to") for each in measure.get(key, ())]
            self.channels = {measure.get("channel", ""), *[each.partition(".")[0] for each in types]}
        self.channels = watched(self.feeds, self.channels, time)
        if self.last is not None and time < self.last + self.cooldown:
            self.due = self.last + self.cooldown
        else:
            self._look(time, asks=not by_event)

    def _look(self, at: int, *, asks: bool = True) -> None:
        self.due = None
        if not (asks and any(self.feeds[name].silent(at) for name in self.channels)):
            self.told.append(Told(self.name, at))
            self.last = self.open_since = at
            self.waits = False

    def _end(self, at: int) -> None:
        self.waits, self.due = False, None
        if self.open_since is not None:
            self.told.append(Told(self.name, at, ended=True, closes=(self.open_since,)))
            self.open_since = None

    def _holds(self, moment: Moment | None) -> bool:
        return _holds(self.table, self.document, moment, self.score_of)


def _holds(table: dict[str, Any], document: dict[str, Any], moment: Moment | None, score_of: Score) -> bool:
    band = moment.band if moment is not None else "disengaged"
    if "reaches" in table:
        return BANDS.index(band) >= BANDS.index(table["reaches"])
    if "leaves" in table:
        return BANDS.index(band) < BANDS.index(table["leaves"])
    if moment is None:
        return False
    if "funnel" in table or "measure" in table:
        return (_has_passed if "funnel" in table else _is_past)(table, document, moment)
    rises = "rises_by" in table
    by = table["rises_by" if rises else "falls_by"]
    before = score_of(list(moment.known), moment.policy, moment.time - duration(table["within"]))
    moved = (moment.score - before) * (1 if rises else -1)
    if isinstance(by, str):
        return before > 0 and moved * 100 >= before * int(by.rstrip("%"))
    return moved >= millionths(by)


def _is_past(table: dict[str, Any], document: dict[str, Any], moment: Moment) -> bool:
    value = value_of(document["measures"][table["measure"]], document, moment)
    if value is None:
        return False
    # A value is compared as it is published.
    value = Fraction(written(Fraction(value)))
    least, most = (Fraction(str(table.get(key, value))) for key in ("at_least", "at_most"))
    return least <= value <= most


def value_of(measure: dict[str, Any], document: dict[str, Any], moment: Moment) -> Any:
    """Give a measure of what has not been taken back."""
    happened, pane = list(moment.known), duration(document["window"]["pane"])
    if measure["kind"] == "duration":
        found = durations_of(happened, moment.policy)
        first = moment.time // pane - duration(measure["over"]) // pane
        times = [
            time
            for (at, channel, name), some in found.items()
            if at > first and (channel, name) == (measure["channel"], measure["duration"])
            for time in some
        ]
        return Fraction(sum(times), len(times) * MILLION) if times else None
    left = standing(happened, moment.policy)
    since = None
    if "projected" in measure:
        # Panes may be longer than a day: the first day of the pane counts.
        earned = Customer(document, _raw(left), moment.time).earning()
        since = min((event.time // pane * pane // DAY for event in earned), default=None)
    value = Customer(document, _raw(left), moment.time, since).value(measure)
    taken = Customer(document, _raw(happened), moment.time).value(measure)
    if "channel" in measure or measure["kind"] == "difference":
        # What has been taken back was part of a session, and is lost once by the event that took it back.
        return taken
    # A sum of what has all been taken back is 0.
    return 0 if measure["kind"] == "sum" and value is None and taken is not None else value


def _raw(events: Sequence[Event]) -> list[RawEvent]:
    return [RawEvent(each.time, each.channel, each.type, each.properties) for each in events]


def _has_passed(table: dict[str, Any], document: dict[str, Any], moment: Moment) -> bool:
    funnel, pane = document["funnels"][table["funnel"]], duration(document["window"]["pane"])
    present = moment.time // pane
    left = standing(list(moment.known), moment.policy)
    events = [(event.time // pane, f"{event.channel}.{event.type}") for event in left]
    first = present - duration(funnel["within"]) // pane + 1
    return any(passes(funnel, events, pane, begun, table["step"]) for begun in range(first, present + 1))
