"""How the open episode of a customer is written as one field, and read back.

A digit each for the base and the lowest band, then the reports, the first one first: a letter for the name, the time
and, where the id does not follow from these, ``-`` (made without the namespace) or ``=`` and the id.

Rests on decision 4.
"""

from __future__ import annotations

from typing import Final

from scoring.customer.episodes import PLAIN, Episode, Report
from scoring.customer.state import CustomerState
from scoring.policy.policy import BANDS, DISENGAGED, ENGAGED, Policy

#: The flag of an open alert, and that of one whose episode is stored with it.
OPEN: Final = "o"
TOLD: Final = "e"
_LETTERS: Final = {
    "churn_risk": "c",
    **{f"churn_risk>{band}": letter for band, letter in zip(BANDS, "lmnop", strict=True)},
}
_NAMES: Final = {letter: name for name, letter in _LETTERS.items()}


def encode_episode(episode: Episode | None) -> str:
    """Write an episode; '' for none.

    Args:
        episode: open.
    """
    if episode is None:
        return ""
    reports = [f"{_LETTERS[name]}{time}{_made(made)}" for name, time, made in episode.reports]
    return f"{episode.base}{episode.lowest}{','.join(reports)}"


def episode_flags(episode: Episode | None) -> str:
    """Give the flags that stand for an open episode; none for none.

    Args:
        episode: open.
    """
    return OPEN + TOLD if episode is not None else ""


def take_episode(policy: Policy, state: CustomerState, words: str, flags: str) -> None:
    """Give a customer the episode that is stored.

    An earlier version stored that an alert is open, and when the last one was raised, but no episode; one that is
    stored then is older. Its id was made without the namespace. And whose alert it had closed below the margin it did
    not arm.

    Args:
        policy: that of the customer's segment.
        state: with bands, last alert and a fall that waits as they are stored; changed in place.
        words: of the field, '' for none.
        flags: among them `OPEN` where an alert is open; without `TOLD` an earlier version says so.
    """
    if OPEN not in flags:
        missed = state.held is None and state.band >= ENGAGED and policy.drops_into == DISENGAGED
        state.armed = state.armed or missed
        return
    if TOLD in flags:
        reports = [_report(report) for report in words[2:].split(",")]
        state.episode = Episode(tuple(reports), lowest=int(words[1]), base=int(words[0]))
    else:
        carried = Report("churn_risk", state.last_alert, PLAIN)
        state.episode = Episode((carried,), lowest=min(state.band, DISENGAGED), base=ENGAGED)


def _made(made: str) -> str:
    return "-" if made == PLAIN else f"={made}" if made else ""


def _report(words: str) -> Report:
    name, rest = _NAMES[words[0]], words[1:]
    if rest.endswith("-") and "=" not in rest:
        return Report(name, int(rest[:-1]), PLAIN)
    time, _, made = rest.partition("=")
    return Report(name, int(time), made)
