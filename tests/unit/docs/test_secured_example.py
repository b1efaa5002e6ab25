"""The example of a secured deployment."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.settings.settings import read_settings
from tests.services.kafka.secured import Right
from tests.services.rights import kafka_rights, redis_user
from tests.unit.docs.reading import DEPLOY
from tests.unit.docs.secured_example import FOLDER, composed, make_secrets, outside, secret_files
from tests.unit.docs.test_topics_script import options


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("example") / "secrets"
    make_secrets(made)
    return made


@pytest.fixture
def document() -> dict[str, Any]:
    return composed()


def test_what_the_script_has_made_is_kept(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    make_secrets(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len({before[name] for name in ("kafka-password", "redis-password", "erasure-key")}) == 3


def test_every_secret_is_made_and_mounted_where_it_is_named(document: dict[str, Any], folder: Path) -> None:
    files = secret_files(document, folder)
    assert all(path.stat().st_size for path in files.values())
    for service in document["services"].values():
        named = set(re.findall(r"/run/secrets/([\w-]+)", str(service)))
        assert named <= set(service.get("secrets", []))
    script = (FOLDER / "kafka.sh").read_text(encoding="utf-8")
    assert set(re.findall(r"/run/secrets/([\w-]+)}", script)) <= set(document["services"]["kafka"]["secrets"])


def test_the_settings_of_the_worker_are_accepted(document: dict[str, Any], folder: Path) -> None:
    files = secret_files(document, folder)
    named = document["services"]["worker"]["environment"]
    given = {name: outside(value, files) for name, value in named.items()}
    policy = DEPLOY / "policies" / named["ENGAGEMENT_POLICY"].rpartition("/")[2]
    settings = read_settings({**given, "ENGAGEMENT_POLICY": str(policy)})
    assert settings.kafka_security.encrypted
    assert settings.kafka_security.logs_in
    assert settings.redis_url.startswith("rediss://redis:")
    assert settings.erasure_key
    assert set(named) <= set(settings.environment())


def test_kafka_lets_nobody_in_without_a_password_but_who_is_inside_of_its_container(document: dict[str, Any]) -> None:
    service = document["services"]["kafka"]
    environment = service["environment"]
    listening = [re.fullmatch(r"(\w+)://(.*):(\d+)", each) for each in environment["KAFKA_LISTENERS"].split(",")]
    protocols = dict(pair.split(":") for pair in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    for match in filter(None, listening):
        assert match[2] == "localhost" or protocols[match[1]] == "SASL_SSL"
    (open_to_others,) = [match for match in filter(None, listening) if match[2] != "localhost"]
    worker = document["services"]["worker"]["environment"]
    assert f"{open_to_others[1]}://{worker['ENGAGEMENT_KAFKA_BROKERS']}" in environment["KAFKA_ADVERTISED_LISTENERS"]
    # The check of its health, and the script, come by the other one.
    assert "localhost:19092" in environment["KAFKA_ADVERTISED_LISTENERS"]
    assert "localhost:19092" in str(service["healthcheck"]["test"])
    assert "localhost:19092" in (FOLDER / "kafka.sh").read_text(encoding="utf-8")


def test_redis_speaks_tls_only_and_keeps_what_it_is_given(document: dict[str, Any]) -> None:
    command = document["services"]["redis"]["command"]
    given = dict(zip(command[1::2], command[2::2], strict=True))
    assert (given["--port"], given["--tls-port"]) == ("0", "6379")
    assert (given["--maxmemory-policy"], given["--appendonly"]) == ("noeviction", "yes")


def test_the_user_of_redis_has_the_rights_of_the_runbook(folder: Path) -> None:
    password = (folder / "redis-password").read_text().strip()
    assert (folder / "redis-users.acl").read_text().splitlines() == [
        "user default off",
        redis_user("engagement", password),
    ]


def test_the_script_for_kafka_makes_topics_a_user_and_the_rights_of_the_runbook(tmp_path: Path, folder: Path) -> None:
    tools, scripts = tmp_path / "tools", tmp_path / "scripts"
    tools.mkdir()
    scripts.mkdir()
    for name in ("kafka-topics.sh", "kafka-configs.sh", "kafka-acls.sh"):
        (tools / name).write_text(f'#!/bin/sh\nprintf "%s " {name} "$@"\necho\n', encoding="utf-8")
        (tools / name).chmod(0o755)
    # As the volumes of the compose file put them.
    for source in composed()["services"]["kafka"]["volumes"][1:]:
        path, place, _ = source.split(":")
        (scripts / Path(place).name).write_text((DEPLOY.parent / path).read_text(encoding="utf-8"), encoding="utf-8")
    password = (folder / "kafka-password").read_text().strip()
    done = subprocess.run(
        ["bash", scripts / "kafka.sh"],  # noqa: S607
        env={"PATH": os.environ["PATH"], "KAFKA": str(tools), "PASSWORD_FILE": str(folder / "kafka-password")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert all("--bootstrap-server localhost:19092" in line for line in lines)
    assert sum(line.startswith("kafka-topics.sh") for line in lines) == 10
    (user,) = [line for line in lines if line.startswith("kafka-configs.sh")]
    assert f"--entity-name engagement --add-config SCRAM-SHA-512=[password={password}]" in user
    given = []
    for words in (options(line.partition(" ")[2]) for line in lines if line.startswith("kafka-acls.sh")):
        assert words["--allow-principal"] == ["User:engagement"]
        given += [
            Right(kind, name, words["--operation"][0])
            for kind in ("topic", "group")
            for name in words.get(f"--{kind}", [])
        ]
    assert sorted(given) == sorted(kafka_rights("worker"))


def test_the_settings_for_kubernetes_are_accepted_and_their_files_mounted(folder: Path, tmp_path: Path) -> None:
    kubernetes = DEPLOY / "kubernetes"
    secured = (kubernetes / "secured" / "worker.yaml").read_text(encoding="utf-8")
    pod = yaml.safe_load(secured)["spec"]["template"]["spec"]
    (container,), (volume,) = pod["containers"], pod["volumes"]
    (mount,) = container["volumeMounts"]
    settings, _ = yaml.safe_load_all((kubernetes / "configmap.yaml").read_text(encoding="utf-8"))
    patch = yaml.safe_load((kubernetes / "secured" / "settings.yaml").read_text(encoding="utf-8"))
    named = {**settings["data"], **patch["data"]}
    for variable in container["env"]:
        assert variable["valueFrom"] is None
        named[variable["name"]] = variable["value"]
    files = {value for value in named.values() if value.startswith("/")}
    assert {Path(path).name for path in files} == set(re.findall(r"--from-file=(\S+)", secured))
    (tmp_path / "ca.pem").write_bytes((folder / "ca.pem").read_bytes())
    for path in files - {f"{mount['mountPath']}/ca.pem"}:
        assert path.startswith(f"{mount['mountPath']}/")
        (tmp_path / Path(path).name).write_text("a-secret")
    read = read_settings({name: value.replace(mount["mountPath"], str(tmp_path)) for name, value in named.items()})
    assert all((read.web_token, read.erasure_key, read.kafka_security.password, read.redis_security.password))
    assert (volume["name"], volume["secret"]["defaultMode"]) == (mount["name"], 0o440)


def test_the_patch_for_kubernetes_is_of_what_is_there() -> None:
    deployment = yaml.safe_load((DEPLOY / "kubernetes" / "deployment.yaml").read_text(encoding="utf-8"))
    patch = yaml.safe_load((DEPLOY / "kubernetes" / "secured" / "worker.yaml").read_text(encoding="utf-8"))
    whole, part = (each["spec"]["template"]["spec"] for each in (deployment, patch))
    assert part["containers"][0]["name"] == whole["containers"][0]["name"]
    assert {each["name"] for each in part["containers"][0]["env"]} <= {
        each["name"] for each in whole["containers"][0]["env"]
    }
    assert part["securityContext"]["fsGroup"] == whole["securityContext"]["runAsGroup"]
