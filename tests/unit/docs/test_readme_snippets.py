"""The code in the pages."""

import ast
import builtins
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.docs.reading import DEPLOY, MANUAL, README, ROOT, Document, page


@pytest.mark.parametrize("snippet", MANUAL.blocks("python"))
def test_python_compiles_and_imports_what_exists(snippet: str) -> None:
    compile(snippet, "page", "exec")
    for module, names in re.findall(r"^(?:from (\S+) )?import (.+)$", snippet, re.MULTILINE):
        imported = importlib.import_module(module or names)
        assert all(hasattr(imported, name) for name in names.split(", ") if module)


@pytest.mark.parametrize("snippet", MANUAL.blocks("python"))
def test_python_uses_no_name_that_it_has_not_made(snippet: str) -> None:
    made, used = set(dir(builtins)), set[str]()
    for node in ast.walk(ast.parse(snippet)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.alias | ast.AsyncFunctionDef):
            made.add(node.name)
    assert used <= made


def test_producer_consumer_and_reader_are_shown_in_python() -> None:
    producer, consumer, reader = README.blocks("python")
    pages = ("howto/send-events", "howto/consume-alerts", "howto/read-scores")
    assert [producer, consumer, reader] == [page(name).blocks("python")[0] for name in pages]
    assert "AIOKafkaProducer(" in producer
    assert "AIOKafkaConsumer(" in consumer
    assert "Redis.from_url(" in reader


def test_the_core_gives_a_consumer_the_alert_that_is_stated() -> None:
    alerts, _ = page("howto/test-your-consumer").blocks("python")
    subprocess.run([sys.executable, "-c", alerts], check=True, cwd=ROOT, timeout=60)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_javascript_is_javascript(tmp_path: Path) -> None:
    (snippet,) = MANUAL.blocks("js")
    module = tmp_path / "read.mjs"
    module.write_text(snippet, encoding="utf-8")
    done = subprocess.run(["node", "--check", module], capture_output=True, text=True, check=False)  # noqa: S607
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("snippet", MANUAL.blocks("sh") + Document(DEPLOY / "RUNBOOK.md").blocks("sh"))
def test_shell_is_shell(snippet: str) -> None:
    done = subprocess.run(["bash", "-n"], input=snippet, capture_output=True, text=True, check=False)  # noqa: S607
    assert done.returncode == 0, done.stderr


def test_the_snippets_read_the_keys_of_the_contract() -> None:
    keys = re.findall(
        r"engagement:[\w.:]+", "".join(MANUAL.blocks("sh") + MANUAL.blocks("python") + MANUAL.blocks("js"))
    )
    assert len(keys) >= 6
    bands = "at_risk|disengaged|engaged|highly_engaged|power"
    assert all(re.fullmatch(rf"engagement:(customer:(maria\.lopez)?|band:({bands}))", key) for key in keys)
