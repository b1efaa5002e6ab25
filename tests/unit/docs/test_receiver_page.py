"""The page of the receiver, held against its code; and the example of its deployment."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from scoring.instants import SECOND, format_duration
from streams.errors import RequestRefused
from streams.receiver import delivery, process, receiver_file
from streams.receiver.receiver_file import read_receiver_file
from streams.receiver.receiver_metrics import ReceiverMetrics
from streams.receiver.signatures import SCHEMES, TIMED
from streams.receiver.tracking import METHODS
from streams.settings.settings import read_settings
from tests.unit.docs.reading import DEPLOY, ROOT, names_in, page

PAGE = page("reference/receiver")
CODE = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "streams" / "receiver").glob("*.py"))


def test_the_metrics_are_those_of_the_code() -> None:
    collectors = [value for value in vars(ReceiverMetrics()).values() if isinstance(value, MetricWrapperBase)]
    catalogue = {
        f"{each._name}_total" if each._type == "counter" else each._name: list(each._labelnames) for each in collectors
    }
    rows = PAGE.table("metric of the receiver", "labels", "")
    assert {names_in(row[0])[0]: names_in(row[1]) for row in rows} == catalogue


def test_the_keys_of_the_file_and_their_defaults_are_those_of_the_code() -> None:
    shown = {names_in(row[0])[0]: row[1] for row in PAGE.table("key of the file", "default", "")}
    limits = {f"limits.{name}": f"`{usual}`" for name, (usual, *_) in receiver_file._LIMITS.items()}
    assert {name: text for name, text in shown.items() if name.startswith("limits.")} == limits
    assert shown.keys() - limits.keys() == {f"sources.<name>.{key}" for key in receiver_file._KEYS}


def test_the_signatures_and_their_ages_are_those_of_the_code() -> None:
    rows = PAGE.table("signature", "checks", "`max_age`")
    assert [names_in(row[0])[0] for row in rows] == list(SCHEMES)
    for row in rows:
        name = names_in(row[0])[0]
        seconds = round(SCHEMES[name].seconds)
        usual = f"`{format_duration(seconds * SECOND)}`" if seconds else "any"
        assert row[2] == (usual if name in TIMED else "")
    vendors = page("howto/receive-webhooks").table("vendor", "where the secret is found", "`signature`")
    assert {names_in(row[2])[0] for row in vendors} == SCHEMES.keys()


def test_the_answers_are_those_of_the_code() -> None:
    constants = dict(re.findall(r"(_[A-Z_]+)(?:: Final)? = (\d{3})\n", CODE))
    for names, numbers in re.findall(r"^(_[A-Z_]+(?:, _[A-Z_]+)+) = ([\d, ]+)$", CODE, re.MULTILINE):
        constants |= dict(zip(names.split(", "), numbers.split(", "), strict=True))
    raised = re.findall(rf"{RequestRefused.__name__}\(\s*(_[A-Z_]+), \"(\w+)\"", CODE)
    answers = {(constants[status], code) for status, code in raised}
    shown = {(row[0], names_in(row[1])[0]) for row in PAGE.table("status", "code", "") if row[1]}
    assert shown == answers
    told = page("howto/receive-webhooks").table("answer", "do")
    assert {code for row in told for code in names_in(row[0])} <= {code for _, code in answers}


def test_the_methods_of_the_tracking_api_are_those_of_the_code() -> None:
    rows = PAGE.table("page", "")
    named = {
        name.rpartition("/")[2] for row in rows for name in names_in(row[0]) if "track" in row[0] or "batch" in row[0]
    }
    assert named == {name for name, kind in METHODS.items() if len(name) > 1 or not kind}


@pytest.fixture
def services() -> dict[str, Any]:
    document = yaml.safe_load((DEPLOY / "receiver" / "compose.yml").read_text(encoding="utf-8"))
    return dict(document)


def test_the_example_of_a_receiver_reads_its_files(services: dict[str, Any], tmp_path: Path) -> None:
    receiver = services["services"]["receiver"]
    named = dict(receiver["environment"])
    mounted = dict(reversed(volume.removesuffix(":ro").split(":")) for volume in receiver["volumes"])
    for setting in ("ENGAGEMENT_POLICY", "ENGAGEMENT_RECEIVER_FILE"):
        named[setting] = str(ROOT / mounted[named[setting]])
    text = Path(named["ENGAGEMENT_RECEIVER_FILE"]).read_text(encoding="utf-8")
    for secret, described in services["secrets"].items():
        assert secret in receiver["secrets"]
        assert described["file"] == f"./deploy/receiver/secrets/{secret}"
        (tmp_path / secret).write_text("s3cret of " + secret, encoding="utf-8")
    path = tmp_path / "receiver.toml"
    path.write_text(text.replace("/run/secrets", str(tmp_path)), encoding="utf-8")
    settings = read_settings({**named, "ENGAGEMENT_RECEIVER_FILE": str(path)})
    assert set(named) <= set(settings.environment())
    plan = read_receiver_file(settings.receiver_file, settings.policy)
    assert set(plan.endpoints) == {source.name for source in settings.policy.sources}
    assert receiver["ports"] == [f"127.0.0.1:8080:{settings.web_port}"]


def test_the_worker_of_the_example_has_the_same_policy(services: dict[str, Any]) -> None:
    receiver, worker = services["services"]["receiver"], services["services"]["worker"]
    assert worker["environment"]["ENGAGEMENT_POLICY"] == receiver["environment"]["ENGAGEMENT_POLICY"]
    assert set(worker["volumes"]) <= set(receiver["volumes"])


@pytest.fixture
def manifests() -> dict[str, Any]:
    text = (DEPLOY / "kubernetes" / "receiver" / "receiver.yaml").read_text(encoding="utf-8")
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def test_the_receiver_of_kubernetes_reads_what_the_example_of_compose_reads(manifests: dict[str, Any]) -> None:
    (text,) = manifests["ConfigMap"]["data"].values()
    example = (DEPLOY / "receiver" / "receiver.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == tomllib.loads(example)


def test_the_receiver_of_kubernetes_finds_its_files_and_settings(manifests: dict[str, Any]) -> None:
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    named = {variable["name"]: variable["value"] for variable in container["env"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes.keys() == mounts.keys()
    assert named["ENGAGEMENT_RECEIVER_FILE"] == f"{mounts['receiver']}/{next(iter(manifests['ConfigMap']['data']))}"
    assert volumes["receiver"]["configMap"]["name"] == manifests["ConfigMap"]["metadata"]["name"]
    assert mounts["secrets"] == "/run/secrets"
    assert read_settings({**named, "ENGAGEMENT_POLICY": ""}).web_port == container["ports"][0]["containerPort"]
    assert container["args"] == ["receive"]
    assert f"\nUSER {pod['securityContext']['runAsUser']}\n" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def test_the_receiver_of_kubernetes_is_probed_found_and_given_time_to_answer(manifests: dict[str, Any]) -> None:
    template = manifests["Deployment"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"] == {"path": "/health", "port": "web"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "web"}
    for selector in (
        manifests["Deployment"]["spec"]["selector"]["matchLabels"],
        manifests["Service"]["spec"]["selector"],
    ):
        assert selector.items() <= template["metadata"]["labels"].items()
    waits = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert template["spec"]["terminationGracePeriodSeconds"] >= waits + process._STOPS_WITHIN + delivery.CLOSED_WITHIN


def test_the_receiver_of_compose_is_given_time_to_answer(services: dict[str, Any]) -> None:
    grace = services["services"]["receiver"]["stop_grace_period"]
    assert float(grace.removesuffix("s")) >= process._STOPS_WITHIN + delivery.CLOSED_WITHIN
