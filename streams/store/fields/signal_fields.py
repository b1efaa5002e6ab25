"""How a customer's part of signals is written as one field of the hash, and read back.

`_u` is a JSON list: the digest of the rules that it was made by, the time by which nothing is raised (-1: all is), and
by the code of the signal a list of when it was raised last, the last answers by object, the waits, the open reports,
and what quiet hours hold. Of these, what is empty at the end is left out.

Rests on decision 96.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from scoring.customer.episodes import Report
from scoring.customer.signals import Signal, SignalState, Standing, Wait
from scoring.customer.state import CustomerState
from scoring.policy.policy import Policy
from streams.store.fields.customer_field import CustomerField, Facts
from streams.store.fields.stored_times import time_or_nothing
from streams.store.protocol import CustomerRecord


class Signals(CustomerField):
    """How the customer stands with the signals of the policy."""

    def write(self, policy: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write it if it has changed."""
        signals = record.state.signals
        if signals is None:
            return
        standings = {code: _standing(each) for code, each in signals.standings.items() if not each.empty}
        words: list[Any] = [signals.rules, signals.since]
        signals.encoded = orjson.dumps([*words, standings] if standings else words).decode()
        if signals.encoded != signals.stored:
            fields += (self.mark, signals.encoded)

    def settle(self, record: CustomerRecord) -> None:
        """Note what is stored of it."""
        if record.state.signals is not None:
            record.state.signals.stored = record.state.signals.encoded

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Read it, where the policy has signals."""
        if not policy.signals:
            return False
        rules, since, *rest = orjson.loads(words)
        signals = record.state.signals = SignalState(str(rules), int(since))
        for code, standing in (rest[0] if rest else {}).items():
            signals.standings[code] = _read(standing)
        signals.stored = words
        return True

    def history(self, policy: Policy, state: CustomerState) -> Facts:
        """Give when each signal was raised last, and when those that last were."""
        if state.signals is None:
            return {}
        standings = sorted(state.signals.standings.items())
        return {
            f"the signal {code}": [
                time_or_nothing(time) for time in (each.last, *[r.occurred_at for r in each.reports])
            ]
            for code, each in standings
            if not each.empty
        }


def _standing(standing: Standing) -> list[Any]:
    held = [
        [
            *(end, signal.name, signal.severity, signal.band, signal.score, signal.occurred_at, signal.reasons),
            *(
                signal.about,
                signal.lasts,
                [list(each) for each in signal.earlier],
                signal.title,
                signal.text,
                signal.segment,
            ),
        ]
        for end, signal in standing.held
    ]
    words: list[Any] = [
        standing.last,
        standing.answers,
        [list(wait) for wait in standing.waits],
        [list(report) for report in standing.reports],
        held,
    ]
    while len(words) > 1 and not words[-1]:
        words.pop()
    return words


def _read(words: list[Any]) -> Standing:
    last, answers, waits, reports, held = [*words, *_EMPTY[len(words) :]]
    return Standing(
        int(last),
        {str(about): int(time) for about, time in answers.items()},
        [Wait(int(time), str(code), str(about), bool(held)) for time, code, about, held in waits],
        _reports(reports),
        [_held(entry) for entry in held],
    )


_EMPTY: Final[list[Any]] = [-1, {}, [], [], []]


def _reports(words: list[Any]) -> tuple[Report, ...]:
    return tuple([Report(str(name), int(time), str(made)) for name, time, made in words])


def _held(words: list[Any]) -> tuple[int, Signal]:
    end, name, severity, band, score, occurred_at, reasons, about, lasts, earlier, title, text, segment = words
    signal = Signal(
        str(name),
        str(severity),
        int(band),
        int(score),
        int(occurred_at),
        list(reasons),
        str(about),
        bool(lasts),
        earlier=_reports(earlier),
        title=str(title),
        text=str(text),
        segment=str(segment),
    )
    return int(end), signal
