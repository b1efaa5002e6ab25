"""The script that creates the topics."""

import os
import subprocess
from pathlib import Path

from streams.kafka import topics
from streams.policy_file.document import builtin_policy
from tests.unit.docs.reading import DEPLOY

SCRIPT = DEPLOY / "topics.sh"


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    tool = folder / "kafka-topics.sh"
    tool.write_text('#!/bin/sh\nprintf "%s " "$@"\necho\n', encoding="utf-8")
    tool.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", SCRIPT, *arguments],  # noqa: S607
        env={"PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def options(line: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for word in line.split():
        if word.startswith("--"):
            name = word
            found.setdefault(name, [])
        else:
            found[name].append(word)
    return found


def test_it_creates_the_topics_with_the_settings_of_the_worker(tmp_path: Path) -> None:
    done = run(tmp_path, "broker:9092")
    assert done.returncode == 0, done.stderr
    created = [options(line) for line in done.stdout.splitlines()]
    settings = {
        line["--topic"][0]: dict(setting.split("=") for setting in line.get("--config", [])) for line in created
    }
    assert settings == topics.topic_settings(builtin_policy())
    for line in created:
        assert {"--create", "--if-not-exists"} <= set(line)
        assert line["--bootstrap-server"] == ["broker:9092"]
        assert line["--partitions"] == [str(topics.partition_count(line["--topic"][0]))]
        assert line["--replication-factor"] == [str(topics._MOST_REPLICAS)]


def test_the_topics_of_a_whole_namespace_can_be_created(tmp_path: Path) -> None:
    done = run(tmp_path, "broker:9092", NAMESPACE="acme")
    lines = [options(line) for line in done.stdout.splitlines()]
    assert {line["--topic"][0] for line in lines} == topics.topic_settings(builtin_policy(), "acme.").keys()
    alone = [line["--topic"][0] for line in lines if line["--partitions"] == ["1"]]
    assert alone == ["acme.engagement-erasures"]
    assert topics.partition_count("acme.engagement-erasures", prefix="acme.") == 1


def test_partitions_and_replicas_can_be_chosen(tmp_path: Path) -> None:
    done = run(tmp_path, "broker:9092", PARTITIONS="6", REPLICAS="1")
    for line in map(options, done.stdout.splitlines()):
        partitions = str(topics.partition_count(line["--topic"][0], 6))
        assert (line["--partitions"], line["--replication-factor"]) == ([partitions], ["1"])


def test_without_a_broker_it_says_how_it_is_used(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode != 0
    assert "usage" in done.stderr


def test_it_stops_at_the_first_failure(tmp_path: Path) -> None:
    assert os.access(SCRIPT, os.X_OK)
    refusing = tmp_path / "refuses-clickstream"
    refusing.write_text('#!/bin/sh\necho "$@"\ncase "$*" in *clickstream*) exit 1;; esac\n', encoding="utf-8")
    refusing.chmod(0o755)
    done = run(tmp_path, "broker:9092", KAFKA_TOPICS=str(refusing))
    assert done.returncode != 0
    assert len(done.stdout.splitlines()) == 1
