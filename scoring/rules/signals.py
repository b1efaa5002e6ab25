"""Signals: what a policy wants said of a customer, and when.

Rests on decision 96.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from scoring.rules.quiet_hours import QuietHours

#: The kinds of rules: an event; one without another in time; what holds for a while: a band, a move, a measure, a step
#: of a funnel.
EVENT: Final = "event"
WITHOUT: Final = "without"
BAND: Final = "band"
MOVE: Final = "move"
MEASURE: Final = "measure"
FUNNEL: Final = "funnel"
#: The severities that a signal may have.
SEVERITIES: Final = ("info", "notice", "warning", "critical")
NO_BAND: Final = -1


@dataclass(frozen=True, slots=True)
class SignalRule:
    """When one signal is raised: bands by their index, points in millionths, times in microseconds.

    Types are named by their codes. `on` are those that raise it, or after which it waits; `without` are those that
    answer the wait, and so does reaching `without_band`; both have to come `within` its time. With an `about`, the
    property that names the object, an event answers only for its own object. `feeds` are the channels by which an
    answer comes, or of whose events a measure is made.

    It holds from `reaches` on, below `leaves`; while the score is by `points`, or by a `share` (millionths) of what it
    was, below that of `within` before, or above it where it `rises`; while the `measure` is `at_least` or `at_most`
    so much; and while the `step` of the `funnel` has been passed within its time.

    After it was raised it is not raised again for the `cooldown`; in `quiet` hours it waits for their end.
    """

    name: str
    kind: str
    on: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    without_band: int = NO_BAND
    within: int = 0
    about: str = ""
    feeds: tuple[str, ...] = ()
    reaches: int = NO_BAND
    leaves: int = NO_BAND
    points: int = 0
    share: int = 0
    rises: bool = False
    measure: str = ""
    at_least: Fraction | None = None
    at_most: Fraction | None = None
    funnel: str = ""
    step: int = 0
    cooldown: int = 0
    quiet: QuietHours | None = None
    severity: str = "notice"
    title: str = ""
    message: str = ""

    #: Four characters under which it is stored where the customer stands; another kind is another signal.
    code: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the code."""
        object.__setattr__(self, "code", signal_code(self.name, self.kind))

    @property
    def comes_of_silence(self) -> bool:
        """Whether a feed that has stopped can make it look as if it held."""
        return self.kind == MEASURE or self.leaves != NO_BAND or (self.kind == MOVE and not self.rises)

    @property
    def holds_for_a_while(self) -> bool:
        """Whether it is about what holds or does not, at each moment."""
        return self.kind in (BAND, MOVE, MEASURE, FUNNEL)


def signal_code(name: str, kind: str) -> str:
    """Make the code under which it is stored where a customer stands with a signal.

    Args:
        name: of the signal.
        kind: of its rule.

    Returns:
        Four characters out of A-Z a-z 0-9 ``-`` ``_``: 24 bits of a BLAKE2b digest.
    """
    return base64.urlsafe_b64encode(hashlib.blake2b(f"{name}\0{kind}".encode(), digest_size=3).digest()).decode()


def rules_digest(rules: tuple[SignalRule, ...]) -> str:
    """Make what tells some rules from others, so that a customer's part knows by which it was made.

    Args:
        rules: of a policy, in any order.

    Returns:
        Four characters; '' for none.
    """
    if not rules:
        return ""
    words = "\n".join(sorted([_decisive(rule) for rule in rules]))
    return base64.urlsafe_b64encode(hashlib.blake2b(words.encode(), digest_size=3).digest()).decode()


def _decisive(rule: SignalRule) -> str:
    """Write what decides when a signal is raised; how it is worded does not."""
    return repr(
        (
            *(rule.name, rule.kind, sorted(rule.on), sorted(rule.without), rule.without_band, rule.within, rule.about),
            *(rule.reaches, rule.leaves, rule.points, rule.share, rule.rises, rule.measure, rule.at_least),
            rule.at_most,
            # Left out where there is none: rules that were stored before there were funnels stay the same.
            *((rule.funnel, rule.step) if rule.funnel else ()),
        )
    )
