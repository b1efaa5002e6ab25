"""The compose file."""

from typing import Any

import pytest
import yaml

from streams.settings.settings import read_settings
from tests.services.containers import KAFKA_IMAGE
from tests.unit.docs.reading import ROOT


@pytest.fixture
def services() -> dict[str, Any]:
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return dict(document["services"])


def test_it_has_kafka_redis_and_a_worker(services: dict[str, Any]) -> None:
    assert set(services) == {"kafka", "redis", "worker"}


def test_kafka_is_the_one_that_the_tests_use(services: dict[str, Any]) -> None:
    assert services["kafka"]["image"] == KAFKA_IMAGE


def test_kafka_needs_no_zookeeper_and_creates_no_topic_by_itself(services: dict[str, Any]) -> None:
    environment = services["kafka"]["environment"]
    assert environment["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    listening = {listener.split(":")[0]: listener for listener in environment["KAFKA_LISTENERS"].split(",")}
    advertised = {listener.split(":")[0] for listener in environment["KAFKA_ADVERTISED_LISTENERS"].split(",")}
    mapped = {name.split(":")[0] for name in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")}
    controller = environment["KAFKA_CONTROLLER_LISTENER_NAMES"]
    assert mapped == set(listening)
    assert advertised == set(listening) - {controller}
    assert environment["KAFKA_INTER_BROKER_LISTENER_NAME"] in advertised
    voter = environment["KAFKA_CONTROLLER_QUORUM_VOTERS"]
    assert voter == f"{environment['KAFKA_NODE_ID']}@localhost:{listening[controller].rsplit(':', 1)[1]}"


def test_redis_keeps_what_it_is_given(services: dict[str, Any]) -> None:
    command = services["redis"]["command"]
    assert dict(zip(command[1::2], command[2::2], strict=True)) == {
        "--maxmemory-policy": "noeviction",
        "--appendonly": "yes",
        "--appendfsync": "everysec",
    }
    assert services["redis"]["image"] == "redis:7.4"


def test_the_settings_of_the_worker_are_accepted(services: dict[str, Any]) -> None:
    named = services["worker"]["environment"]
    # The policy stands in the image.
    policy = ROOT / "deploy" / "policies" / named["ENGAGEMENT_POLICY"].rpartition("/")[2]
    settings = read_settings({**named, "ENGAGEMENT_POLICY": str(policy)})
    assert set(named) <= set(settings.environment())
    assert settings.policy.version == "builtin-2"


def test_the_worker_finds_the_others_by_their_names(services: dict[str, Any]) -> None:
    named = services["worker"]["environment"]
    assert (
        f"INSIDE://{named['ENGAGEMENT_KAFKA_BROKERS']}"
        in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    )
    assert named["ENGAGEMENT_REDIS_URL"].startswith("redis://redis:6379/")


def test_the_policies_stand_in_the_image_where_the_worker_looks(services: dict[str, Any]) -> None:
    dockerfile = ROOT / services["worker"]["build"]["dockerfile"]
    folder = services["worker"]["environment"]["ENGAGEMENT_POLICY"].rpartition("/")[0]
    assert f"COPY deploy/policies {folder}\n" in dockerfile.read_text(encoding="utf-8")


def test_the_worker_starts_when_the_others_answer_and_is_healthy_when_ready(services: dict[str, Any]) -> None:
    waits = services["worker"]["depends_on"]
    assert {name: wait["condition"] for name, wait in waits.items()} == dict.fromkeys(
        ("kafka", "redis"), "service_healthy"
    )
    assert all("test" in service["healthcheck"] for service in services.values())
    words = services["worker"]["healthcheck"]["test"]
    compile(words[-1], "healthcheck", "exec")
    assert "/ready" in words[-1]


def test_ports_are_open_to_this_machine_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == len(services)
    assert all(port.startswith("127.0.0.1:") for port in ports)
