"""Figures beside what the policy wants of them, on the screen, for machines and for Prometheus."""

from __future__ import annotations

from rich.console import Console

from scoring.rules.targets import Target
from streams.metrics import Metrics
from streams.views.target_view import target_documents, target_table

TARGETS = (
    Target("retention", at_least=70, warn_below=50),
    Target("measure:nps", at_least=40, benchmark=32.5),
    Target("churn", benchmark=3),
    Target("stickiness", at_most=5),
    Target("customers", at_least=1_250_000),
)
FIGURES = {"retention": "49.5", "measure:nps": "40", "churn": "9", "stickiness": "", "customers": "1250001"}


def test_targets_are_told_with_value_bounds_and_verdict() -> None:
    assert target_documents(TARGETS, FIGURES) == {
        "retention": {"value": 49.5, "at_least": 70, "warn_below": 50, "verdict": "warning"},
        "measure:nps": {"value": 40, "at_least": 40, "benchmark": 32.5, "verdict": "met"},
        "churn": {"value": 9, "benchmark": 3, "verdict": None},
        "stickiness": {"value": None, "at_most": 5, "verdict": None},
        "customers": {"value": 1_250_001, "at_least": 1_250_000, "verdict": "met"},
    }


def test_a_person_reads_them_in_a_table() -> None:
    console = Console(width=100)
    with console.capture() as shown:
        console.print(target_table(TARGETS, FIGURES))
    assert [" ".join(line.split()) for line in shown.get().splitlines()] == [
        "figure value target",
        "retention 49.5 at least 70, warning below 50 warning",
        "nps 40 at least 40, benchmark 32.5 met",
        "churn 9 benchmark 3",
        "stickiness - at most 5",
        "customers 1250001 at least 1250000 met",
    ]


def test_prometheus_gets_the_bounds_and_whether_they_are_met() -> None:
    metrics = Metrics()
    metrics.set_targets((Target("lost", at_most=3),), {"lost": "2"})
    metrics.set_targets(TARGETS, FIGURES)

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, labels)

    assert value("engagement_kpi_target", figure="retention", bound="warn_below") == 50
    assert value("engagement_kpi_target", figure="measure:nps", bound="benchmark") == 32.5
    assert value("engagement_kpi_target", figure="lost", bound="at_most") is None
    met = {figure: value("engagement_kpi_target_met", figure=figure) for figure in (*FIGURES, "lost")}
    assert met == {"retention": -1, "measure:nps": 1, "churn": None, "stickiness": None, "customers": 1, "lost": None}
