"""How the named scores of a policy are written as fields of a customer's hash, and read back.

Public are `score:<name>`, `band:<name>` and `trend:<name>`. Of a score that raises alerts are kept, beside them,
`_x<name>`: band, band before, since when, flags (a armed, o alert open, e its episode is stored, w warned), last
alert, last warning, separated by semicolons; `_x!<name>`: a fall that waits to be reported, JSON; and `_x*<name>`: the
open episode. A shadow policy has `policy_version:<name>`, too, where it has signals, `_x?<name>`, as `_u`, and where it
judges absences, `_x&<name>`, as `_b`.

Rests on decisions 54, 112, 123 and 144.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

from scoring.customer.state import NONE, CustomerState, derive
from scoring.judging.named_scores import view_of
from scoring.judging.score import trend
from scoring.points import text, to_millionths
from scoring.policy.policy import BANDS, Policy
from streams.store.fields.absence_fields import read_standing, standing_text
from streams.store.fields.alert_fields import Bands, JudgedUpTo, OpenEpisode, Warnings
from streams.store.fields.customer_field import CustomerField, Facts
from streams.store.fields.episodes import encode_episode, episode_flags, take_episode
from streams.store.fields.signal_fields import decode_signals, encode_signals
from streams.store.protocol import CustomerRecord

_OF_ALERTS: Final = (JudgedUpTo(), Bands(), Warnings(), OpenEpisode())


class NamedScores(CustomerField):
    """The named scores, and how the customer stands with the alerts of each."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write what has changed of them."""
        if not policy.scores or record.state.judged == NONE:
            return
        stored, written = record.stored_scores or {}, score_fields(policy, record.state)
        record.encoded_scores = written
        for name, value in written.items():
            if value == stored.get(name, ""):
                continue
            if value:
                fields += (name, value)
            else:
                removed.append(name)

    def settle(self, record: CustomerRecord) -> None:
        """Note what is stored of them."""
        if record.encoded_scores is not None:
            record.stored_scores, record.encoded_scores = record.encoded_scores, None

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Return whether a score has alerts that the field is of."""
        return name in alert_fields(policy)

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read what is stored of them."""
        if policy.scores:
            record.stored_scores = stored_fields(policy, fields)
            read_named(policy, record.state, fields)

    def published(self, policy: Policy, state: CustomerState) -> dict[str, str]:
        """Give the published fields of each; of a shadow policy, once it has judged the customer."""
        if not policy.scores:
            return {}
        written = score_fields(policy, state)
        told = [score for score in policy.scores if not score.shadow or written[f"policy_version:{score.name}"]]
        return {name: written[name] for score in told for name in score.fields}

    def history(self, policy: Policy, state: CustomerState) -> Facts:
        """Give how the customer stands with the alerts of each; the log does not say since when there is a shadow."""
        kept = [score.name for score in policy.alerting if not score.shadow]
        return {
            f"{what} of {name}": value
            for name, view in (state.named or {}).items()
            if name in kept
            for field in _OF_ALERTS
            for what, value in field.history(policy, view).items()
        }


def score_fields(policy: Policy, state: CustomerState) -> dict[str, str]:
    """Write the named scores of a customer.

    Args:
        policy: in force.
        state: judged.

    Returns:
        The value of each field, '' for one that is not to be there.
    """
    found = {}
    for score in policy.scores:
        view, name = view_of(score, state), score.name
        found[f"score:{name}"] = text(view.score)
        found[f"band:{name}"] = BANDS[view.band]
        found[f"trend:{name}"] = text(trend(score.policy.of(state.segment), view))
        if score.shadow:
            found[f"policy_version:{name}"] = view.policy_version
            if score.policy.signals:
                found[f"_x?{name}"] = encode_signals(view.signals) if view.signals is not None else ""
            if (rule := policy.shadow_absence) is not None:
                away = view.absence
                found[f"_x&{name}"] = standing_text(away, rule.members_within, away.due) if away is not None else ""
        if score.alerts:
            flags = ("a" if view.armed else "") + episode_flags(view.episode) + ("w" if view.warned else "")
            bands = f"{view.band};{view.previous_band};{view.band_since}"
            found[f"_x{name}"] = f"{bands};{flags};{view.last_alert};{view.last_warning}"
            found[f"_x!{name}"] = orjson.dumps(view.held).decode() if view.held else ""
            found[f"_x*{name}"] = encode_episode(view.episode)
    return found


def alert_fields(policy: Policy) -> list[str]:
    """List the internal fields of the scores that raise alerts.

    Args:
        policy: in force.
    """
    found = []
    for score in policy.alerting:
        found += [f"{mark}{score.name}" for mark in ("_x", "_x!", "_x*")]
        if score.policy.signals:
            found.append(f"_x?{score.name}")
        if score.shadow and policy.shadow_absence is not None:
            found.append(f"_x&{score.name}")
    return found


def stored_fields(policy: Policy, fields: Mapping[str, str]) -> dict[str, str]:
    """Give what is stored of named scores.

    Args:
        policy: in force.
        fields: of the hash.

    Returns:
        The values by name, '' for a field that is not there.
    """
    names = [*policy.score_fields, *alert_fields(policy)]
    return {name: fields.get(name, "") for name in names}


def read_named(policy: Policy, state: CustomerState, fields: Mapping[str, str]) -> None:
    """Read the alerts of named scores back.

    Args:
        policy: in force.
        state: the customer's; those of the scores that raise alerts are put into `named`.
        fields: of the hash.
    """
    named = {}
    for score in policy.alerting:
        words = fields.get(f"_x{score.name}")
        if words is None:
            continue
        band, previous, since, flags, last_alert, last_warning = words.split(";")
        version = fields.get(f"policy_version:{score.name}", "") if score.shadow else state.policy_version
        view = CustomerState(version, state.judged, state.panes)
        view.band, view.previous_band, view.band_since = int(band), int(previous), int(since)
        view.last_alert, view.last_warning = int(last_alert), int(last_warning)
        view.armed, view.warned = "a" in flags, "w" in flags
        held = fields.get(f"_x!{score.name}")
        view.held = dict(orjson.loads(held)) if held else None
        own = score.policy.of(state.segment)
        take_episode(own, view, fields.get(f"_x*{score.name}", ""), flags)
        if (signals := fields.get(f"_x?{score.name}")) and score.policy.signals:
            view.signals = decode_signals(signals)
        if score.shadow and policy.shadow_absence is not None and (away := fields.get(f"_x&{score.name}")):
            view.absence = read_standing(away)
        if view.judged != NONE:
            derive(own, view)
        if view.policy_version != score.policy.version:
            view.score_before_policy = to_millionths(float(fields.get(f"score:{score.name}", "0")))
        named[score.name] = view
    state.named = named or None
