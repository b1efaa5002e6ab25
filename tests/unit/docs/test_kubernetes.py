"""The manifests for Kubernetes."""

from typing import Any

import pytest
import yaml

from streams.policy_file.document import builtin_policy, parse_policy
from streams.settings.settings import read_settings
from tests.unit.docs.reading import DEPLOY
from tests.unit.docs.test_policies import without_order

FOLDER = DEPLOY / "kubernetes"
KNOWN = set(read_settings({}).environment()) | {"ENGAGEMENT_POLICY"}


@pytest.fixture
def objects() -> dict[str, dict[str, Any]]:
    documents = [
        document
        for path in sorted(FOLDER.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]
    return {document["metadata"]["name"]: document for document in documents}


@pytest.fixture
def pod(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return dict(objects["engagement-worker"]["spec"]["template"]["spec"])


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["containers"]
    return dict(only)


def test_the_settings_exist_and_are_accepted(objects: dict[str, dict[str, Any]], container: dict[str, Any]) -> None:
    named = dict(objects["engagement-settings"]["data"])
    assert container["envFrom"] == [{"configMapRef": {"name": "engagement-settings"}}]
    for variable in container["env"]:
        named[variable["name"]] = variable.get("value", "redis://redis:6379/0")
    assert set(named) <= KNOWN
    del named["ENGAGEMENT_POLICY"]
    assert read_settings(named).web_port == container["ports"][0]["containerPort"]


def test_the_policy_is_the_built_in_one_and_where_the_worker_looks(
    objects: dict[str, dict[str, Any]], pod: dict[str, Any], container: dict[str, Any]
) -> None:
    policies = objects["engagement-policy"]["data"]
    assert without_order(parse_policy(policies["policy.toml"])) == without_order(builtin_policy())
    (path,) = [variable["value"] for variable in container["env"] if variable["name"] == "ENGAGEMENT_POLICY"]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "policy"]
    assert path == f"{mount['mountPath']}/policy.toml"
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "policy"]
    assert volume["configMap"]["name"] == "engagement-policy"


def test_the_probes_ask_the_pages_that_mean_it(container: dict[str, Any]) -> None:
    assert container["livenessProbe"]["httpGet"] == {"path": "/health", "port": "web"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "web"}
    assert [port["name"] for port in container["ports"]] == ["web"]


def test_nothing_runs_as_root(pod: dict[str, Any], container: dict[str, Any]) -> None:
    user = pod["securityContext"]["runAsUser"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"\nUSER {user}\n" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    context = container["securityContext"]
    assert not context["allowPrivilegeEscalation"]
    assert context["readOnlyRootFilesystem"]
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_there_is_somewhere_for_temporary_files(pod: dict[str, Any], container: dict[str, Any]) -> None:
    # Faust wants a folder for data, and is given the one for temporary files.
    assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]  # noqa: S108
    assert {"name": "tmp", "emptyDir": {}} in pod["volumes"]


def test_a_worker_is_given_time_to_finish_and_one_is_always_there(
    objects: dict[str, dict[str, Any]], pod: dict[str, Any]
) -> None:
    assert pod["terminationGracePeriodSeconds"] >= 2 * read_settings({}).kafka_session_timeout
    strategy = objects["engagement-worker"]["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_resources_are_asked_for_and_memory_is_bounded(container: dict[str, Any]) -> None:
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]


def test_the_selector_finds_the_pods(objects: dict[str, dict[str, Any]]) -> None:
    spec = objects["engagement-worker"]["spec"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
