"""Signals by brute force: from the raw events alone, each rule by its definition, nothing kept from one to the next."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from tests.reference import brute_force
from tests.reference.brute_force import BANDS, Event, Policy, duration, millionths, segment_of
from tests.reference.funnels import passes
from tests.reference.measures import Customer, RawEvent, written

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
) -> list[Told]:
    """Give all signals of one customer up to a time, by name and time.

    Args:
        events: of the customer, in the order of time, no two at one.
        text: of the policy's file, with its signals.
        policy: the same, without them.
        until: microseconds.
        since: the policy has the signals from then on; what happened by then is no matter of theirs.
        score_of: what the score is.
    """
    known = [event for event in events if event.time <= until]
    moments = list(_moments(known, policy, until, score_of))
    found: list[Told] = []
    document = tomllib.loads(text)
    for name, table in document.get("signals", {}).items():
        cooldown = duration(table.get("cooldown", "0s"))
        if "on" in table:
            times = [event.time for event in known if event.time > since and _is(event, table["on"])]
            found += [Told(name, time) for time in _cooled(times, cooldown)]
        elif "after" in table:
            found += _waits(name, table, known, moments, until, since)
        else:
            found += _levels(name, table, document, moments, cooldown, since, score_of)
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
    name: str, table: dict[str, Any], events: Sequence[Event], moments: Sequence[Moment], until: int, since: int
) -> Iterator[Told]:
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
            end = event.time + within
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


def _ends(name: str, raised: Sequence[int], answers: Sequence[int]) -> Iterator[Told]:
    closed = 0
    for at in answers:
        closes = tuple([time for time in raised if closed < time <= at])
        if closes:
            yield Told(name, at, ended=True, closes=closes)
            closed = at


def _levels(
    name: str,
    table: dict[str, Any],
    document: dict[str, Any],
    moments: Sequence[Moment],
    cooldown: int,
    since: int,
    score_of: Score,
) -> Iterator[Told]:
    held, last, open_since = _holds(table, document, None, score_of), None, None
    for moment in moments:
        if moment.before is not None:
            # What another segment makes of the same points raises nothing.
            held = _holds(table, document, moment.before, score_of)
        holds = _holds(table, document, moment, score_of)
        if moment.time <= since:
            held = holds
        elif holds and not held and open_since is None and (last is None or moment.time >= last + cooldown):
            yield Told(name, moment.time)
            last = open_since = moment.time
        elif not holds and open_since is not None:
            yield Told(name, moment.time, ended=True, closes=(open_since,))
            open_since = None
        held = holds


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
    events = [RawEvent(each.time, each.channel, each.type, each.properties) for each in moment.known]
    value = Customer(document, events, moment.time).value(document["measures"][table["measure"]])
    if value is None:
        return False
    # A value is compared as it is published.
    value = Fraction(written(Fraction(value)))
    least, most = (Fraction(str(table.get(key, value))) for key in ("at_least", "at_most"))
    return least <= value <= most


def _has_passed(table: dict[str, Any], document: dict[str, Any], moment: Moment) -> bool:
    funnel, pane = document["funnels"][table["funnel"]], duration(document["window"]["pane"])
    present = moment.time // pane
    events = [(event.time // pane, f"{event.channel}.{event.type}") for event in moment.known]
    first = present - duration(funnel["within"]) // pane + 1
    return any(passes(funnel, events, pane, begun, table["step"]) for begun in range(first, present + 1))
