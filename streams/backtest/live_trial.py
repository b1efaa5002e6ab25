"""A shadow policy beside the policy in force: how customers stand by both, what both have raised, and who was right.

Rests on decision 125.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import orjson

from scoring.backtest.alarms import Alarms, judge_alarms
from scoring.backtest.lot import Lot
from scoring.backtest.observations import Customer, CutOff, Observation, churned_after
from scoring.backtest.ranking import rank
from scoring.instants import MILLISECOND, parse_timestamp
from scoring.points import to_millionths
from scoring.policy.policy import BANDS, Policy
from scoring.policy.shadow import SHADOW
from streams.backtest.alert_comparison import Raised
from streams.backtest.rules import Rule
from streams.kafka.topic_range import open_range
from streams.policies.band_moves import BandMoves, Move
from streams.settings.settings import Settings
from streams.store.policies import POLICY_VERSION, SHADOW_VERSION
from streams.store.sums.shares import judged_in
from streams.topic_names import SHADOW_TOPICS

#: The kinds that foretell a churn.
TELLING = ("churn_risk", "disengaging_soon", "absent")
_OF_ABSENCES = ("absent", "returned")
COMPARED = (*TELLING, "recovered", "returned")


class Trial(BandMoves):
    """Counts the customers as stored by their bands under both policies; nothing is computed.

    `behind` are those whom one of the two has not judged yet. `moved` are those who are in another band by the
    shadow policy; `judged` is up to when each has been judged, `scores` the scores by both.
    """

    def __init__(self, policy: Policy, shadow: Policy, most: int) -> None:
        """Start with nobody.

        Args:
            policy: in force.
            shadow: that is judged beside it.
            most: moves to keep of the largest.
        """
        super().__init__(policy, shadow, most)
        self.versions = policy.version, shadow.version
        self.behind = 0
        self.moved: list[Move] = []
        self.scores: dict[str, tuple[int, int]] = {}
        self.judged: dict[str, int] = {}

    def add(self, customer: str, fields: Mapping[str, str]) -> None:
        """Add a customer; one who is linked to another, or has not been judged, is nobody."""
        if POLICY_VERSION not in fields:
            return
        if (fields[POLICY_VERSION], fields.get(SHADOW_VERSION, "")) != self.versions:
            self.behind += 1
            return
        try:
            scores = to_millionths(float(fields["score"])), to_millionths(float(fields[f"score:{SHADOW}"]))
            bands = BANDS.index(fields["band"]), BANDS.index(fields[f"band:{SHADOW}"])
            judged = judged_in(fields)
        except (KeyError, ValueError, IndexError):
            self.unreadable += 1
            return
        move = Move(customer, *scores, *bands)
        self.note(move)
        self.scores[customer], self.judged[customer] = scores, judged
        if move.band != move.new_band:
            self.moved.append(move)


async def alerts_since(settings: Settings, topic: str, since: int, *, absences: bool) -> list[Raised]:
    """Read the alerts that a topic has got since a time.

    Args:
        settings: name the brokers and the namespace, whose alerts count.
        topic: of the policy in force, or of the shadow policy.
        since: microseconds of the wall clock.
        absences: whether those of absences are among them; not, where the shadow policy cannot raise them.

    Raises:
        BrokerUnavailable: if Kafka does not answer.
    """
    found: dict[str, Raised] = {}
    name = SHADOW if topic in SHADOW_TOPICS else ""
    kinds = COMPARED if absences else [kind for kind in COMPARED if kind not in _OF_ABSENCES]
    async with open_range(settings, settings.written(topic), since_ms=since // MILLISECOND) as messages:
        async for records in messages.batches():
            for record in records:
                body = orjson.loads(record.value) if record.value else {}
                if body.get("namespace") != settings.namespace or body.get("score_name", "") != name:
                    continue
                if body["kind"] in kinds:
                    raised = Raised(parse_timestamp(body["occurred_at"]), body["customer_id"], body["kind"])
                    found[body["alert_id"]] = raised
    return list(found.values())


def judge_both(
    trial: Trial,
    customers: Mapping[str, Customer],
    alerts: tuple[Iterable[Raised], Iterable[Raised]],
    since: int,
    horizon: int,
) -> tuple[list[Rule], dict[str, float | None]]:
    """Return what the alerts of both were worth, and how well the scores rank those who churned after they were made.

    Args:
        trial: names the customers.
        customers: what became of them, by their id; whoever had churned before the trial is left out.
        alerts: of the policy in force, and of the shadow policy.
        since: when the trial began, in microseconds.
        horizon: microseconds within which a churn counts as near.

    Returns:
        Both as rules, and the area under the ROC curve by version; None without a pair to compare.
    """
    times = [_times(some) for some in alerts]
    every = [time for some in times for its in some.values() for time in its]
    known_until = max([*trial.judged.values(), *every], default=0)
    # Where events of the past are replayed, what was raised by them is older than the trial.
    first = min([since, *trial.judged.values(), *every])
    known = {name: one for name in trial.scores if (one := customers.get(name)) and (one.churned_at or first) >= first}
    began = {name: max(first, customer.start or first) for name, customer in known.items()}
    lot = Lot([(customer, began[name]) for name, customer in known.items()], known_until, horizon)
    rules, areas = [], {}
    labelled = {name: answer for name in known if (answer := _churned(trial, known[name])) is not None}
    for index, version in enumerate(trial.versions):
        alarms = (Alarms(one, began[name], (), times[index].get(name, ())) for name, one in known.items())
        rules.append(Rule(version, version, judge_alarms(alarms, known_until, lot)))
        values = [-trial.scores[name][index] for name in labelled]
        areas[version] = rank(values, list(labelled.values())).auc
    return rules, areas


def _churned(trial: Trial, customer: Customer) -> bool | None:
    seen = Observation(customer.name, CutOff(trial.judged[customer.name], 0), 0, 0, last_event_at=0, events=0)
    return churned_after(customer, seen)


def _times(alerts: Iterable[Raised]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for alert in sorted(alerts):
        if alert.kind in TELLING:
            found[alert.customer].append(alert.occurred_at)
    return found
