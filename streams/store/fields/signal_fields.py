"""How a customer's part of signals is written as one field of the hash, and read back.

`_u` is a JSON list: the digest of the rules that it was made by, the time by which nothing is raised (-1: all is), and
by the code of the signal a list of when it was raised last, the last answers by object, the waits, the open reports,
and what quiet hours hold. Of these, what is empty at the end is left out.

Rests on decision 96.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from scoring.customer.episodes import Report
from scoring.customer.signals import Signal, SignalState, Standing, Wait
from scoring.customer.state import NONE, CustomerState
from scoring.instants import format_instant
from scoring.policy.policy import Policy
from streams.store.fields.customer_field import CustomerField, Facts
from streams.store.protocol import CustomerRecord

#: The field of the hash.
SIGNALS: Final = "_u"


class Signals(CustomerField):
    """How the customer stands with the signals of the policy."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write it if it has changed."""
        signals = record.state.signals
        if signals is None:
            return
        signals.encoded = encode_signals(signals)
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
        signals = record.state.signals = decode_signals(words)
        signals.stored = words
        return True


def encode_signals(signals: SignalState) -> str:
    """Write how a customer stands with the signals of a policy."""
    standings = {code: _standing(each) for code, each in signals.standings.items() if not each.empty}
    words: list[Any] = [signals.rules, signals.since]
    return orjson.dumps([*words, standings] if standings else words).decode()


def decode_signals(words: str) -> SignalState:
    """Read back what `encode_signals` wrote."""
    rules, since, *rest = orjson.loads(words)
    signals = SignalState(str(rules), int(since))
    try:
        for code, standing in (rest[0] if rest else {}).items():
            signals.standings[code] = _read(standing)
    except AttributeError as error:
        # Something else stands where an object belongs.
        raise ValueError(SIGNALS) from error
    return signals


def kept_signals(live: Mapping[str, str], *, whole: bool) -> dict[str, str]:
    """Give what a customer keeps who is replaced by one computed anew: by that one, other signals have been raised.

    Args:
        live: the fields as stored.
        whole: whether the log tells of all that has happened.

    Returns:
        The field; none where the one computed anew knows the same.
    """
    text = live.get(SIGNALS, "")
    try:
        return {} if not text or (whole and orjson.loads(text)[1] == NONE) else {SIGNALS: text}
    except (ValueError, IndexError, TypeError, KeyError):
        return {}


def signal_facts(*states: CustomerState) -> list[Facts]:
    """Return what waits and what is open, to be compared; nothing if one of them has not had the signals all the time.

    Args:
        states: judged.
    """
    if any(state.signals is None or state.signals.since != NONE for state in states):
        return [{} for _ in states]
    return [_facts(state.signals) for state in states if state.signals is not None]


def _facts(signals: SignalState) -> Facts:
    found: Facts = {}
    for code, standing in signals.standings.items():
        if standing.waits:
            found[f"what waits for signal {code}"] = [format_instant(wait.time) for wait in standing.waits]
        if standing.reports:
            found[f"what is open of signal {code}"] = [format_instant(each.occurred_at) for each in standing.reports]
    return found


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
