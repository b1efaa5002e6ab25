"""The rules for Prometheus and the dashboard for Grafana."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from streams.metrics import Metrics
from tests.unit.docs.reading import DEPLOY

DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
#: What a metric is called at Prometheus, by its type.
SUFFIXES: dict[str | None, tuple[str, ...]] = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}


def collectors() -> list[MetricWrapperBase]:
    return [value for value in vars(Metrics()).values() if isinstance(value, MetricWrapperBase)]


def exposed() -> dict[str, set[str]]:
    """Give the names under which Prometheus knows the metrics, with their labels."""
    names = {}
    for collector in collectors():
        for suffix in SUFFIXES[collector._type]:
            names[collector._name + suffix] = {*collector._labelnames, *(["le"] if suffix == "_bucket" else [])}
    return names


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.mark.parametrize("expression", list(expressions()))
def test_an_expression_names_metrics_and_labels_that_exist(expression: str) -> None:
    known = exposed()
    names = re.findall(r"\b(engagement_\w+)", expression)
    assert names
    labels = set()
    for name in names:
        assert name in known
        labels |= known[name]
    for grouping in re.findall(r"\bby \(([^)]*)\)", expression):
        assert set(grouping.replace(" ", "").split(",")) <= labels
    for name, selector in re.findall(r"\b(engagement_\w+)\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)", selector)) <= known[name]


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_a_legend_names_labels_that_the_expression_leaves(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) - {"instance"}
        groups = {
            name for found in re.findall(r"\bby \(([^)]*)\)", target["expr"]) for name in re.split(r",\s*", found)
        }
        assert labels <= groups


def test_every_metric_is_watched_or_shown_but_for_the_one_of_the_benchmark() -> None:
    used = set(re.findall(r"\bengagement_\w+", " ".join(expressions())))
    for collector in collectors():
        if collector._name != "engagement_first_fetch_seconds":
            assert any(collector._name + suffix in used for suffix in SUFFIXES[collector._type]), collector._name


def test_an_alert_says_what_it_is_about_and_how_bad_it_is() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    for rule in alerts():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"].keys() == {"summary", "description"}
        shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["description"])) - {"instance"}
        groups = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
        assert shown <= {name for found in groups for name in re.split(r",\s*", found)}


def test_the_rules_are_loaded_and_the_pods_of_the_deployment_are_found() -> None:
    scrape = yaml.safe_load((DEPLOY / "prometheus" / "scrape.yml").read_text(encoding="utf-8"))
    assert all((DEPLOY / "prometheus" / name).exists() for name in scrape["rule_files"])
    deployment = yaml.safe_load((DEPLOY / "kubernetes" / "deployment.yaml").read_text(encoding="utf-8"))
    template = deployment["spec"]["template"]
    (port,) = template["spec"]["containers"][0]["ports"]
    (keep,) = [rule for rule in scrape["scrape_configs"][0]["relabel_configs"] if rule.get("action") == "keep"]
    assert keep["regex"] == f"{template['metadata']['labels']['app.kubernetes.io/name']};{port['name']}"


def test_the_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
