"""How a customer stands with alerts, as fields: the bands, and what waits, has been raised or announced.

Rests on decision 112.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

import orjson

from scoring.customer.state import NONE, CustomerState, Timed
from scoring.instants import parse_timestamp
from scoring.judging.score import band_name
from scoring.policy.policy import BANDS, Policy
from scoring.rules.details import Detail
from streams.store.fields.customer_field import CustomerField, Facts, Known
from streams.store.fields.episodes import encode_episode, episode_flags, take_episode
from streams.store.fields.stored_times import LATEST, time_or_nothing
from streams.store.protocol import CustomerRecord

#: Stands for the code of a type that is not known.
NO_CODE: Final = "...."
#: Before the digest of an object; no code of an amount begins so.
OBJECT: Final = "="
#: Before the name of a segment, which no code of an amount begins with either.
SEGMENT: Final = "@"
#: Before the digest of an event's id, likewise.
EVENT_ID: Final = "#"
_BAND_INDEX: Final = {name: index for index, name in enumerate(BANDS)}


class JudgedUpTo(CustomerField):
    """Up to when the customer has been judged, with the flags and times of the alert machine."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write it, changed or not."""
        state = record.state
        flags = ("a" if state.armed else "") + episode_flags(state.episode) + ("x" if state.due_crosses else "")
        fields += ("_s", f"{state.judged};{flags};{state.last_alert};{state.due}")

    def settle(self, record: CustomerRecord) -> None:
        """Note the place in the schedule."""
        record.stored_due = (record.state.due, record.state.due_crosses)

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read it; each hash has one."""
        state = record.state
        judged, flags, last_alert, due = fields["_s"].split(";")
        state.judged, state.last_alert, state.due = int(judged), int(last_alert), int(due)
        if not NONE <= min(state.judged, state.last_alert) <= max(state.judged, state.last_alert, state.due) < LATEST:
            raise ValueError("_s")
        state.armed, state.due_crosses = "a" in flags, "x" in flags
        record.stored_due = (state.due, state.due_crosses)

    def history(self, policy: Policy, state: CustomerState) -> Facts:
        """Give what the machine remembers of alerts."""
        return {
            "armed": state.armed,
            "alert open": state.alert_open,
            "last alert": time_or_nothing(state.last_alert),
        }


class Bands(CustomerField):
    """The band, the one before, and since when."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the three if one has changed."""
        state = record.state
        if state.judged != NONE and band_of(state) != record.stored_band:
            previous, since = band_name(state.previous_band), time_or_nothing(state.band_since)
            fields += ("band", BANDS[state.band], "band_since", since, "previous_band", previous)

    def settle(self, record: CustomerRecord) -> None:
        """Note what is stored."""
        if record.state.judged != NONE:
            record.stored_band = band_of(record.state)

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read the three; a customer who has not been judged has none."""
        if "band" not in fields:
            return
        state = record.state
        state.band = _BAND_INDEX[fields["band"]]
        state.previous_band = _BAND_INDEX.get(fields.get("previous_band", ""), NONE)
        state.band_since = parse_timestamp(fields["band_since"])
        record.stored_band = band_of(state)

    def published(self, policy: Policy, state: CustomerState) -> dict[str, str]:
        """Give the band."""
        return {"band": BANDS[state.band]}

    def history(self, policy: Policy, state: CustomerState) -> Facts:
        """Give how the customer came into the band."""
        return {"band_since": time_or_nothing(state.band_since), "previous_band": band_name(state.previous_band)}


def band_of(state: CustomerState) -> tuple[int, int, int]:
    """Give what is stored of a customer's band: it, the one before, and since when."""
    return state.band, state.previous_band, state.band_since


class PassingField(CustomerField):
    """A field that comes and goes, and is written with each write while it is there."""

    def holds(self, state: CustomerState) -> bool:
        """Return whether there is anything to write."""
        raise NotImplementedError

    def text(self, state: CustomerState) -> str:
        """Write what there is."""
        raise NotImplementedError

    def read(self, state: CustomerState, words: str) -> None:
        """Read it back into a state."""
        raise NotImplementedError

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write what there is, or remove what there was."""
        if self.holds(record.state):
            fields += (self.mark, self.text(record.state))
        elif self.mark in record.extras:
            removed.append(self.mark)

    def settle(self, record: CustomerRecord) -> None:
        """Note whether it is stored."""
        if self.holds(record.state) != (self.mark in record.extras):
            record.extras = record.extras ^ {self.mark}

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Read it, and note that it is stored."""
        if name == self.mark:
            record.extras = record.extras | {name}
            self.read(record.state, words)
        return True


def something_passes(record: CustomerRecord) -> bool:
    """Return whether a passing field may have to be written: few customers have one, and all are asked."""
    state = record.state
    return bool(
        record.extras or state.ahead or state.held or state.episode or state.warned or state.last_warning != NONE
    )


class EventsAhead(PassingField):
    """The events that are later than the evaluation time."""

    def holds(self, state: CustomerState) -> bool:
        """Return whether there are any."""
        return bool(state.ahead)

    def text(self, state: CustomerState) -> str:
        """Write them."""
        return ",".join([f"{code or NO_CODE}{time}{_details(detail)}" for time, code, detail in state.ahead])

    def read(self, state: CustomerState, words: str) -> None:
        """Read them."""
        state.ahead = [_event_ahead(entry) for entry in words.split(",")]

    def facts(self, policy: Policy, state: CustomerState, known: Known) -> Facts:
        """Give them in an order that does not hang on how they came."""
        return {"what lies ahead": sorted(state.ahead, key=lambda event: (*event[:2], event[2] or ()))}


class HeldDrop(PassingField):
    """A drop that waits to be reported."""

    def holds(self, state: CustomerState) -> bool:
        """Return whether one waits."""
        return bool(state.held)

    def text(self, state: CustomerState) -> str:
        """Write it."""
        return orjson.dumps(state.held).decode()

    def read(self, state: CustomerState, words: str) -> None:
        """Read it."""
        state.held = dict(orjson.loads(words))


class Warnings(PassingField):
    """The early warning of a drop: whether one holds, and when the last one was raised."""

    def holds(self, state: CustomerState) -> bool:
        """Return whether there has been one."""
        return state.warned or state.last_warning != NONE

    def text(self, state: CustomerState) -> str:
        """Write both."""
        return f"{int(state.warned)};{state.last_warning}"

    def read(self, state: CustomerState, words: str) -> None:
        """Read both."""
        warned, last_warning = words.split(";")
        state.warned, state.last_warning = warned == "1", int(last_warning)

    def history(self, policy: Policy, state: CustomerState) -> Facts:
        """Give whether one holds."""
        return {"warned": state.warned}


class OpenEpisode(PassingField):
    """The open episode of churn alerts."""

    def holds(self, state: CustomerState) -> bool:
        """Return whether one is open."""
        return state.episode is not None

    def text(self, state: CustomerState) -> str:
        """Write it."""
        return encode_episode(state.episode)

    def read(self, state: CustomerState, words: str) -> None:
        """Leave it to `finish`: it takes bands, segment and the flags of the standing to read it."""

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read it."""
        _, flags, _, _ = fields["_s"].split(";")
        take_episode(policy.of(record.state.segment), record.state, fields.get("_e", ""), flags)

    def history(self, policy: Policy, state: CustomerState) -> Facts:
        """Give when its alerts were raised."""
        reports = state.episode.reports if state.episode is not None else ()
        return {"episode": [time_or_nothing(report.occurred_at) for report in reports]}


class SegmentField(CustomerField):
    """The segment, and when it was reported."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write it if it has changed."""
        state = record.state
        if not state.segment_changed:
            return
        fields += ("_g", str(state.segment_at))
        if state.segment:
            fields += ("segment", state.segment)
        else:
            removed.append("segment")

    def settle(self, record: CustomerRecord) -> None:
        """Note that it has not changed."""
        record.state.segment_changed = False

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read it, where the policy has segments."""
        if policy.profiles is not None and "_g" in fields:
            record.state.segment, record.state.segment_at = fields.get("segment", ""), int(fields["_g"])

    def facts(self, policy: Policy, state: CustomerState, known: Known) -> Facts:
        """Give the segment of a customer who is in one."""
        return {"segment": state.segment} if state.segment else {}


def _details(detail: Detail | None) -> str:
    if detail is None:
        return ""
    about = f";{OBJECT}{detail.object}" if detail.object else ""
    segment = f";{SEGMENT}{quote(detail.segment, safe='')}" if detail.segment else ""
    event_id = f";{EVENT_ID}{detail.id}" if detail.id else ""
    return "".join([f";{code}{amount}" for code, amount in detail.amounts]) + about + segment + event_id


def _event_ahead(entry: str) -> Timed:
    event, *details = entry.split(";")
    detail = None
    if details:
        event_id = details.pop()[1:] if details[-1][0] == EVENT_ID else ""
        segment = unquote(details.pop()[1:]) if details and details[-1][0] == SEGMENT else ""
        about = details.pop()[1:] if details and details[-1][0] == OBJECT else ""
        detail = Detail(tuple([(words[:4], int(words[4:])) for words in details]), about, segment, event_id)
    return int(event[4:]), event[:4].replace(NO_CODE, ""), detail
