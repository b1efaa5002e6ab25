"""`engagement policy compare --live`: the shadow policy beside the policy in force."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import click
import orjson
from rich.console import Console

from scoring.instants import format_instant
from scoring.policy.policy import Policy
from scoring.policy.shadow import absence_problem
from streams.backtest.alert_comparison import Raised, compare_alerts
from streams.backtest.live_trial import Trial, alerts_since, judge_both
from streams.backtest.outcomes import read_outcomes
from streams.backtest.report import HORIZON, rule_document
from streams.backtest.tables import rule_tables
from streams.cli.progress import open_offset_progress
from streams.cli.running_shadow import require_shadow
from streams.policies.band_moves import compare_live
from streams.policy_file.document import parse_policy
from streams.settings.settings import Settings
from streams.store.policies import StoredPolicy
from streams.store.redis.reading import score_reader
from streams.topic_names import ALERTS, SHADOW_ALERTS
from streams.views.policy_compare_view import (
    alerts_document,
    moves_document,
    print_alerts,
    print_moved,
    print_moves,
    print_ranking,
)
from streams.views.wording import counted, moment, printable


class _Found(NamedTuple):
    """What was read: the record in Redis, both policies, the customers, and the alerts of both."""

    record: StoredPolicy
    policies: tuple[Policy, Policy]
    trial: Trial
    alerts: tuple[list[Raised], list[Raised]]

    @property
    def not_compared(self) -> str:
        """Why alerts of absence are not compared; '' where they are."""
        return absence_problem(*self.policies)


def compare_running(settings: Settings, outcomes: Path | None, limit: int, *, as_json: bool) -> None:
    """Print how the shadow policy that is running differs from the policy in force.

    Args:
        settings: name the brokers, Redis and the namespace.
        outcomes: a file that says who has churned; None for none.
        limit: how many of each are listed for people.
        as_json: for machines, with all of them.

    Raises:
        Refusal: if no shadow policy is running.
    """
    customers = read_outcomes(outcomes) if outcomes is not None else None
    found = asyncio.run(_look(settings, limit))
    record, trial = found.record, found.trial
    alerts = compare_alerts(*found.alerts, found.policies[0].length)
    judged = None
    if customers is not None:
        judged = judge_both(trial, customers, found.alerts, record.shadow_since, HORIZON)
    if as_json:
        document = {
            "policy_version": record.version,
            "shadow_version": record.shadow_version,
            "since": format_instant(record.shadow_since),
            "behind": trial.behind,
            "absences_not_compared": found.not_compared,
            **moves_document(trial, trial.moved),
            "alerts": alerts_document(alerts),
        }
        if judged is not None:
            rules = [rule_document(rule, labelled=True) for rule in judged[0]]
            document["outcomes"] = {"alerts": rules, "auc": judged[1]}
        click.echo(orjson.dumps(document))
        return
    since = moment(record.shadow_since)
    versions = printable(record.shadow_version), printable(record.version)
    click.echo(f"the shadow policy {versions[0]} runs beside {versions[1]} since {since}")
    if trial.behind:
        click.echo(f"{counted(trial.behind, 'customer')} left out, not judged by both yet")
    print_moves(*found.policies, trial)
    print_moved(trial.moved, limit)
    said = [f"absences are not compared: {found.not_compared}"] if found.not_compared else []
    print_alerts(alerts, limit, *said)
    if judged is not None:
        Console(markup=False, highlight=False).print(*rule_tables(judged[0]), sep="\n")
        print_ranking(judged[1])


async def _look(settings: Settings, limit: int) -> _Found:
    reader = score_reader(settings, settings.policy)
    try:
        await reader.open_readonly()
        record = require_shadow(await reader.policies.in_force(), settings.namespace)
        policies = parse_policy(record.text), parse_policy(record.shadow_text)
        trial = Trial(*policies, limit)
        with open_offset_progress("customers") as show:
            await compare_live(reader, trial, show)
    finally:
        await reader.close()
    since = record.shadow_since
    absences = not absence_problem(*policies)
    live, shadow = [await alerts_since(settings, topic, since, absences=absences) for topic in (ALERTS, SHADOW_ALERTS)]
    if trial.unreadable:
        click.echo(f"{counted(trial.unreadable, 'customer')} left out who cannot be read", err=True)
    return _Found(record, policies, trial, (live, shadow))
