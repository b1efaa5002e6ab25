"""Reads files of events and replays them through the scoring core, in several processes side by side.

Rests on decision 14.
"""

from __future__ import annotations

import functools
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import orjson

from scoring.backtest.observations import CutOff, Observation
from scoring.backtest.population import CustomerHistory, Look, Population
from scoring.backtest.trail import Trail
from scoring.errors import InvalidEvent
from scoring.events.event import MOST_AHEAD, Event
from scoring.policy.policy import Policy
from scoring.rules.details import PROFILE
from streams.backtest.event_files import EventFiles, known_channels
from streams.backtest.outcomes import MOST_NAMED
from streams.backtest.value_reading import ValueReader
from streams.ingest.profile_decoding import PROFILES
from streams.machine_clock import wall_clock
from streams.policy_file.document import parse_policy

_SHOWN_EACH = 20_000

#: Shown how far it is: bytes read, bytes in all, events so far.
Show = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class Past:
    """What is left of a customer's history.

    `alerts` are times by kind, `began` the first event (negative: none), in microseconds; `panes` the events by the
    number of their pane, `days` the numbers of the active days, `segment` the last one. `trail` is where the score has
    been, if that was asked for.
    """

    name: str
    alerts: Mapping[str, Sequence[int]]
    panes: Mapping[int, int]
    began: int = -1
    days: Sequence[int] = ()
    segment: str = ""
    trail: Trail | None = None


@dataclass(slots=True)
class Replayed:
    """What a replay saw; `known_until` is the time of the newest event, in microseconds.

    `met` are the customers who were asked for and have an event, `strangers` some of those who were not asked for.
    """

    observations: list[Observation] = field(default_factory=list)
    pasts: list[Past] = field(default_factory=list)
    events: int = 0
    bad: int = 0
    late: int = 0
    outdated: int = 0
    known_until: int = 0
    met: set[str] = field(default_factory=set)
    strangers: list[str] = field(default_factory=list)

    def join(self, other: Replayed) -> None:
        """Take in what another share of the customers saw of the same events."""
        self.observations += other.observations
        self.pasts += other.pasts
        self.late += other.late
        self.outdated += other.outdated
        self.met |= other.met


@dataclass(slots=True)
class Survey:
    """What a first reading finds: each customer's first event (microseconds), and events by channel and type."""

    first_events: dict[str, int] = field(default_factory=dict)
    types: dict[tuple[str, str], int] = field(default_factory=dict)


def survey(paths: Sequence[Path], policy: Policy, show: Show) -> Survey:
    """Read the files once, before anything is judged.

    Args:
        paths: of files of events.
        policy: names the channels.
        show: how far it is.
    """
    found = Survey()
    first, types = found.first_events, found.types
    for channel, customer, event, kind in _events(paths, policy, show, Replayed()):
        if event.code == PROFILE:
            continue
        if event.time < first.get(customer, event.time + 1):
            first[customer] = event.time
        types[channel, kind] = types.get((channel, kind), 0) + 1
    return found


def replay_here(
    paths: Sequence[Path],
    policy: Policy,
    moments: Mapping[str, Sequence[CutOff]],
    show: Show,
    look: Look | None = None,
    *,
    trails: bool = False,
) -> Replayed:
    """Replay the files for some customers; the others' events move only the clock.

    Args:
        paths: of files of events.
        policy: to judge by.
        moments: by customer, at which to look.
        show: how far it is.
        look: called for each observation with the state at that time.
        trails: keep where each score has been.

    Returns:
        What was seen.
    """
    seen = Replayed()
    population = Population(policy, moments, look, trails=trails)
    for channel, customer, event, _ in _events(paths, policy, show, seen):
        population.add(channel, customer, event)
        if event.code != PROFILE:
            if customer in moments:
                seen.met.add(customer)
            elif len(seen.strangers) < MOST_NAMED and customer not in seen.strangers:
                seen.strangers.append(customer)
    for customer_history in population.finish():
        seen.observations += customer_history.observations
        seen.pasts.append(past_of(customer_history))
        seen.late += customer_history.late
        seen.outdated += customer_history.outdated
    seen.known_until = population.newest
    return seen


def past_of(customer: CustomerHistory) -> Past:
    """Keep what is asked for once a customer has been judged to the end."""
    state = customer.state
    days = state.activity.list_days()
    return Past(customer.name, customer.alerts, customer.panes, customer.began, days, state.segment, customer.trail)


def replay(
    paths: Sequence[Path],
    policy_text: str,
    moments: Mapping[str, Sequence[CutOff]],
    show: Show,
    processes: int = 1,
    *,
    trails: bool = False,
) -> Replayed:
    """Replay the files for all customers.

    Args:
        paths: of files of events.
        policy_text: of the policy to judge by.
        moments: by customer, at which to look.
        show: how far it is.
        processes: how many share the customers; each reads all the files.
        trails: keep where each score has been.

    Returns:
        What was seen, in an order that does not depend on the number of processes.
    """
    shares: list[dict[str, Sequence[CutOff]]] = [{} for _ in range(processes)]
    for name, times in moments.items():
        shares[zlib.crc32(name.encode("utf-8", "surrogatepass")) % processes][name] = times
    pool = ProcessPoolExecutor(processes - 1, get_context("spawn")) if processes > 1 else nullcontext()
    with pool as executor:
        run = functools.partial(_replay_share, paths, policy_text, trails=trails)
        others = [executor.submit(run, share) for share in shares[1:] if executor]
        seen = replay_here(paths, parse_policy(policy_text), shares[0], show, trails=trails)
        for other in others:
            seen.join(other.result())
    order = {name: index for index, name in enumerate(moments)}
    seen.observations.sort(key=lambda observation: (observation.moment.column, order[observation.customer]))
    seen.pasts.sort(key=lambda past: order[past.name])
    return seen


def _replay_share(
    paths: Sequence[Path], policy_text: str, moments: Mapping[str, Sequence[CutOff]], *, trails: bool
) -> Replayed:
    return replay_here(paths, parse_policy(policy_text), moments, lambda *_: None, trails=trails)


def _events(paths: Sequence[Path], policy: Policy, show: Show, seen: Replayed) -> Iterator[tuple[str, str, Event, str]]:
    """Give channel, customer, event and type of every line that is good, counting in `seen`."""
    reader, names = ValueReader(policy), {channel.topic: channel.name for channel in known_channels(policy)}
    latest = wall_clock() + MOST_AHEAD
    loads = orjson.loads
    shown = time.monotonic()
    with EventFiles(paths, known_channels(policy)) as files:
        for line in files.lines():
            if not line.topic:
                seen.bad += 1
                continue
            channel = names[line.topic]
            try:
                value = loads(line.value)
                read = reader.read(channel, value, latest)
            except (orjson.JSONDecodeError, InvalidEvent):
                seen.bad += 1
                continue
            if read is None:
                continue
            if channel == PROFILES:
                yield PROFILES, *read, PROFILES
                continue
            seen.events += 1
            if seen.events % _SHOWN_EACH == 0 and time.monotonic() > shown:
                shown = time.monotonic() + 0.1
                show(files.read_bytes, files.total_bytes, seen.events)
            yield channel, *read, value["type"]
        show(files.total_bytes, files.total_bytes, seen.events)
