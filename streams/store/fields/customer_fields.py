"""The fields of a customer's hash, one row each; what writes, reads, compares and documents them follows this table.

Public fields are those of the contract. Names of internal ones begin with ``_`` and a letter of their own, the mark.
Values stay under 64 bytes and ASCII where they can: that is up to where Redis keeps a hash compact, and a hash that has
once held a longer one takes three times the room from then on. So messages, which are longer, wait beside it.

Rests on decision 112.
"""

from __future__ import annotations

from typing import Final

from scoring.policy.policy import ABSENCE_FIELDS
from streams.store.fields.absence_fields import Absences
from streams.store.fields.alert_fields import (
    Bands,
    EventsAhead,
    HeldDrop,
    JudgedUpTo,
    OpenEpisode,
    PassingField,
    SegmentField,
    Warnings,
)
from streams.store.fields.churn_fields import EndedDays, LostBy
from streams.store.fields.count_fields import ActiveDays, CountedIds, EventIds, ObjectHistories, Panes, Visits
from streams.store.fields.customer_field import CustomerField
from streams.store.fields.number_fields import DisengagesAt, InSums, LastTimes, Measures, Points, PolicyVersion
from streams.store.fields.score_fields import NamedScores
from streams.store.fields.signal_fields import SIGNALS, Signals

_BY_COUNTS: Final = "it follows from the counts, which are compared"
_BY_ARRIVAL: Final = "until when an id is remembered depends on when its event came"

#: In the order in which what rests on other fields is read.
FIELDS: Final[tuple[CustomerField, ...]] = (
    CustomerField("_v", "the version, unique to each write", not_compared="each write has another one"),
    CustomerField("_l", "a linked id of the customer", not_compared="the ids are compared before all else"),
    JudgedUpTo(
        "_s",
        "up to when the customer has been judged; flags: `a` armed, `o` an alert is open, `e` its episode is stored, "
        "`x` the next change is a drop; the last alert; when the score changes next",
        attributes=("judged", "armed", "last_alert", "due", "due_crosses"),
    ),
    Panes("_p", "the counts of a pane: code of the type and count", attributes=("panes",)),
    Visits("_w", "the visits of a pane in a channel that has sessions", attributes=("visits",)),
    EventIds("_i", "digests of event ids, ten characters each, by day", attributes=("seen",), not_compared=_BY_ARRIVAL),
    ObjectHistories("_k", "what was done to an object: code of the type, time, amounts", attributes=("objects",)),
    ActiveDays("_a", "active days as bits, and changes of band, of 50 days", attributes=("activity",)),
    EventsAhead("_q", "events ahead of the evaluation time: code, time, details", attributes=("ahead",)),
    HeldDrop(
        "_h",
        "a drop that waits to be reported, JSON",
        attributes=("held",),
        not_compared="it ends as an alert or as nothing",
    ),
    Warnings(
        "_n", "the early warning: `1` while it holds, and when it was raised", attributes=("warned", "last_warning")
    ),
    InSums("_f", "by which measures the customer is in the sums over all customers", not_compared=_BY_COUNTS),
    EndedDays("_y", "days with an event that ends the relation, as bits", attributes=("ended",)),
    LostBy("_z", "by which rule the customer counts as lost", not_compared=_BY_COUNTS),
    CountedIds(
        "_m",
        "what events with an id counted, by day, where ids are linked",
        attributes=("counted",),
        not_compared=_BY_ARRIVAL,
    ),
    PolicyVersion(
        public=("policy_version",), attributes=("policy_version",), not_compared="a customer follows a change in time"
    ),
    Bands(public=("band", "band_since", "previous_band"), attributes=("band", "band_since", "previous_band")),
    DisengagesAt(public=("disengages_at",)),
    LastTimes(public=("last_event_at", "updated_at"), attributes=("last_event_at",)),
    Measures(),
    Absences("_b", "how far absences have been judged", public=ABSENCE_FIELDS, attributes=("absence",)),
    Signals(
        SIGNALS,
        "the standing with each signal: when it was raised, what waits, JSON",
        attributes=("signals",),
        not_compared="it is compared where both sides have had the signals all the time: `signal_facts`",
    ),
    SegmentField("_g", "when the segment was reported", public=("segment",), attributes=("segment", "segment_at")),
    OpenEpisode("_e", "the open episode of alerts", attributes=("episode",)),
    Points(public=("score", "trend")),
    NamedScores("_x", "alerts of a named score", attributes=("named",)),
)


def _that_have(method: str) -> list[CustomerField]:
    """List the fields that have a method of their own: the others need not be asked for each customer."""
    return [field for field in FIELDS if getattr(type(field), method) is not getattr(CustomerField, method)]


#: Those that come and go are asked only where one is there, or may have been.
PASSING: Final = [field for field in FIELDS if isinstance(field, PassingField)]
WRITTEN: Final = [field for field in _that_have("write") if field not in PASSING]
SETTLED: Final = [field for field in _that_have("settle") if field not in PASSING]
FINISHED: Final = _that_have("finish")
BY_MARK: Final = {field.mark: field for field in FIELDS if field.mark}
