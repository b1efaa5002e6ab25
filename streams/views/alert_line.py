"""An alert, or a change of band, as one line for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rich.text import Text

from streams.views.customer_view import BAND_STYLES
from streams.views.wording import printable

_STYLES = {"critical": "bold red", "warning": "yellow", "notice": "cyan", "info": "green"}
_LABELS = {"churn_risk": "churn risk", "disengaging_soon": "drops soon"}
#: Kinds that no step of the score has raised.
_BY_DAYS = ("absent", "returned")
_SHOWN_REASONS = 3


def alert_line(value: bytes) -> Text:
    """Write one message of the alerts' topic, of the band changes', or of the feeds', segments' and targets'.

    Args:
        value: of the record.

    Returns:
        Time, what happened, to whom, score and band before and after, and the largest reasons; what is not such a
        message is written as it stands.
    """
    try:
        body = orjson.loads(value)
        if str(body.get("kind")).startswith("segment_"):
            return _segment_line(body)
        if str(body.get("kind")).startswith("target_"):
            return _target_line(body)
        if "signal" in body:
            return _signal_line(body)
        return _feed_line(body) if str(body.get("kind")).startswith("feed_") else _line(body)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        return Text(printable(value.decode(errors="replace")), style="dim")


def _line(body: Mapping[str, Any]) -> Text:
    kind = body.get("kind", "band_change")
    severity = body.get("severity", "")
    line = Text(f"{_moment(body['occurred_at'])}  ")
    label = _LABELS.get(kind, kind.replace("_", " "))
    line.append(f"{label:<11} {severity:<8}  ", style=_STYLES.get(severity, ""))
    line.append(printable(body["customer_id"]), style="bold")
    if body.get("score_name"):
        line.append(f" by {body['score_name']}")
    if kind in _BY_DAYS:
        line.append(f"  {body['score']:.15g}  ")
        line.append(str(body["band"]), style=BAND_STYLES.get(body["band"], ""))
    elif kind == "disengaging_soon":
        line.append(f"  {body['score']:.15g}  ")
        line.append(str(body["band"]), style=BAND_STYLES.get(body["band"], ""))
        line.append(f" until {_moment(body['disengages_at'])}")
    else:
        line.append(f"  {body['previous_score']:.15g} → {body['score']:.15g}  ")
        line.append(str(body["previous_band"]), style=BAND_STYLES.get(body["previous_band"], ""))
        line.append(" → ")
        line.append(str(body["band"]), style=BAND_STYLES.get(body["band"], ""))
    why = reasons_in_words(body["reasons"]) if body.get("reasons") else str(body.get("cause", ""))
    if why:
        line.append(f"  {why}", style="dim")
    return line


def _signal_line(body: Mapping[str, Any]) -> Text:
    severity = body["severity"]
    line = Text(f"{_moment(body['occurred_at'])}  ")
    label = f"{body['signal']} {'ended' if body['kind'] == 'ended' else ''}".strip()
    line.append(f"{label:<20} {severity:<8}  ", style=_STYLES.get(severity, ""))
    line.append(printable(body["customer_id"]), style="bold")
    line.append(f"  {body['score']:.15g}  ")
    line.append(str(body["band"]), style=BAND_STYLES.get(body["band"], ""))
    why = ", ".join([_of_signal(reason) for reason in body["reasons"][:_SHOWN_REASONS]])
    if why:
        line.append(f"  {why}", style="dim")
    return line


def _of_signal(reason: Mapping[str, Any]) -> str:
    if reason.get("cause") == "missing":
        return f"no {' or '.join(map(str, [*reason.get('types', []), *reason.get('band', [])]))} in {reason['within']}"
    if reason.get("cause") == "moved":
        return f"{reason['points']:+.15g} since {_moment(reason['since'])}"
    if reason.get("cause") == "band":
        return str(reason["band"])
    if "points" not in reason:
        return f"{reason['channel']} {printable(reason['type'])} at {_moment(reason['at'])}"
    return _reason(reason)


def _segment_line(body: Mapping[str, Any]) -> Text:
    severity = body["severity"]
    line = Text(f"{_moment(body['occurred_at'])}  ")
    line.append(f"{body['kind'].replace('_', ' '):<11} {severity:<8}  ", style=_STYLES.get(severity, ""))
    line.append(printable(body["segment"]) or "all customers", style="bold")
    line.append(f"  {body['active_members']} members active, usually {body['usual_members']:.15g}")
    return line


def _target_line(body: Mapping[str, Any]) -> Text:
    severity = body["severity"]
    line = Text(f"{_moment(body['occurred_at'])}  ")
    line.append(f"{body['kind'].replace('_', ' '):<14} {severity:<8}  ", style=_STYLES.get(severity, ""))
    line.append(printable(body["figure"]), style="bold")
    bounds = ", ".join([f"{name.replace('_', ' ')} {bound:.15g}" for name, bound in body["target"].items()])
    line.append(f"  {body['value']:.15g}, missed since {body['missed_since']}  {bounds}")
    return line


def _feed_line(body: Mapping[str, Any]) -> Text:
    severity = body["severity"]
    line = Text(f"{_moment(body['occurred_at'])}  ")
    line.append(f"{body['kind'].replace('_', ' '):<11} {severity:<8}  ", style=_STYLES.get(severity, ""))
    line.append(printable(" ".join(filter(None, (body["channel"], body.get("source"))))), style="bold")
    line.append(f"  silent since {_moment(body['silent_since'])}, last event {_moment(body['last_event_at'])}")
    return line


def _moment(instant: str) -> str:
    return instant[:19].replace("T", " ").removesuffix("Z")


def reasons_in_words(reasons: Sequence[Mapping[str, Any]]) -> str:
    """Say what a step of the score is made of.

    Args:
        reasons: of an alert, the largest first.

    Returns:
        Such as ``email unsubscribe -40`` or ``expired: email click x3 -15, social like -1``.
    """
    words = [_reason(reason) for reason in reasons[:_SHOWN_REASONS]]
    if len(reasons) > _SHOWN_REASONS:
        words.append(f"and {len(reasons) - _SHOWN_REASONS} more")
    cause = reasons[0].get("cause") if reasons and "type" in reasons[0] else ""
    return (f"{cause}: " if cause in ("expired", "expires") else "") + ", ".join(words)


def _reason(reason: Mapping[str, Any]) -> str:
    if reason.get("cause") == "absence":
        missed, longest = reason["missed"], reason["longest"]
        before = f"never came back from more than {longest:.15g}" if longest else "never was away before"
        if longest > missed:
            before = f"came back from {longest:.15g} once"
        return f"missed {missed:.15g} of the segment's days since {reason['since'][:10]}; {before}"
    if reason.get("cause") == "came back":
        return f"came back after {reason['missed']:.15g} missed days"
    if "type" not in reason:
        return str(reason.get("cause", ""))
    count = f" x{reason['count']}" if reason.get("count", 1) > 1 else ""
    back = " (taken back)" if reason.get("cause") == "retracted" else ""
    return f"{reason['channel']} {printable(reason['type'])}{count} {reason['points']:+.15g}{back}"
