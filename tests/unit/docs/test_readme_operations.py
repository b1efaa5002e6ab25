"""Metrics, settings, commands and links in the pages and their neighbours."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from prometheus_client.metrics import MetricWrapperBase

from streams.backtest import tables
from streams.cli.main import engagement
from streams.metrics import Metrics
from streams.settings.environment import PREFIX, Environment
from streams.settings.settings import read_settings
from tests.unit.docs.reading import DEPLOY, MANUAL, PAGES, README, ROOT, Document, names_in, page

DOCUMENTS = [
    README,
    *PAGES,
    Document(DEPLOY / "RUNBOOK.md"),
    Document(ROOT / "CHANGELOG.md"),
    Document(ROOT / "CONTRIBUTING.md"),
]
POLICY = "ENGAGEMENT_POLICY"
EVERY_SETTING = {PREFIX + name for name in Environment.model_fields}
TITLES = [str(document.path.relative_to(ROOT)) for document in DOCUMENTS]


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(engagement)
    for name in engagement.list_commands(context):
        command = engagement.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                found = command.get_command(context, below)
                assert found is not None
                yield f"{name} {below}", found
        else:
            yield name, command


def test_the_table_of_metrics_is_the_catalogue() -> None:
    catalogue = {}
    for family in Metrics().registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        catalogue[name] = family.type
    shown = {names_in(row[0])[0] for row in MANUAL.table("metric", "labels", "")}
    assert shown == set(catalogue)


def test_the_labels_of_the_metrics_are_those_in_the_table() -> None:
    collectors = [value for value in vars(Metrics()).values() if isinstance(value, MetricWrapperBase)]
    labels = {collector._name: list(collector._labelnames) for collector in collectors}
    shown = {
        names_in(row[0])[0].removesuffix("_total"): names_in(row[1]) for row in MANUAL.table("metric", "labels", "")
    }
    assert shown == labels


def test_every_value_of_a_label_that_the_table_names_stands_in_the_code() -> None:
    folders = (ROOT / "streams", ROOT / "scoring")
    code = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    for row in MANUAL.table("metric", "labels", ""):
        for value in names_in(row[2]):
            assert value.startswith("/") or f'"{value}"' in code or f"class {value}(" in code, value


def test_the_settings_and_their_defaults_are_those_in_the_table() -> None:
    shown = {names_in(row[0])[0]: row[1] for row in MANUAL.table("variable", "default", "")}
    assert shown.pop("ENGAGEMENT_POLICY") == "the built-in policy"
    defaults = read_settings({}).environment()
    assert {name for name, default in shown.items() if default == "none"} == EVERY_SETTING - {*defaults, POLICY}
    assert {name: names_in(default)[0] for name, default in shown.items() if default != "none"} == defaults


def test_every_command_is_in_the_table_and_no_other() -> None:
    shown = [re.sub(r"( [A-Z]+(\.\.\.)?)+$", "", names_in(row[0])[0]) for row in MANUAL.table("command", "")]
    assert shown == [f"engagement {name}" for name, _ in commands()]


def test_the_options_in_the_table_of_commands_exist() -> None:
    options = {name: {option for param in command.params for option in param.opts} for name, command in commands()}
    for row in MANUAL.table("command", ""):
        name = re.sub(r"( [A-Z]+(\.\.\.)?)+$", "", names_in(row[0])[0]).removeprefix("engagement ")
        named = {option for words in names_in(row[1]) for option in re.findall(r"--[a-z-]+", words)}
        assert named <= options[name], name


@pytest.mark.parametrize("document", DOCUMENTS, ids=TITLES)
def test_every_command_named_in_the_text_exists(document: Document) -> None:
    known = {name for name, _ in commands()} | {name.split()[0] for name, _ in commands()}
    for words in re.findall(r"`engagement ([^`]+)`", document.text):
        first, *rest = words.split()
        two = f"{first} {rest[0]}" if rest else first
        assert two in known or (first in known and first != "policy") or first == "COMMAND", words


@pytest.mark.parametrize("document", DOCUMENTS, ids=TITLES)
def test_every_target_of_make_that_is_named_exists(document: Document) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"^make ([a-z-]+)", "\n".join(document.blocks("sh")), re.MULTILINE)
    named += re.findall(r"`make ([a-z-]+)", document.prose)
    assert set(named) <= targets
    if document is README:
        assert {"demo", "test"} <= set(named)


@pytest.mark.parametrize("document", DOCUMENTS, ids=TITLES)
def test_every_link_leads_somewhere(document: Document) -> None:
    for link in document.links():
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (document.path.parent / path).resolve() if path else document.path
        assert target.exists(), link
        if anchor:
            assert anchor in Document(target).anchors(), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=TITLES)
def test_every_setting_named_in_the_text_exists(document: Document) -> None:
    known = EVERY_SETTING | {"ENGAGEMENT_TEST_KAFKA", "ENGAGEMENT_TEST_REDIS"}
    assert set(re.findall(r"ENGAGEMENT_[A-Z_]+", document.text)) <= known


def test_the_folders_of_the_layout_exist() -> None:
    (layout,) = [block for block in README.blocks("") if "scoring/" in block]
    folders = re.findall(r"^(\w+)/", layout, re.MULTILINE)
    assert len(folders) == len(layout.splitlines())
    assert all((ROOT / folder).is_dir() for folder in folders)


@pytest.mark.parametrize("document", DOCUMENTS, ids=TITLES)
def test_no_line_of_text_is_longer_than_the_editor_settings_allow(document: Document) -> None:
    (most,) = re.findall(r"max_line_length = (\d+)", (ROOT / ".editorconfig").read_text(encoding="utf-8"))
    for line in document.prose.splitlines():
        assert len(line) <= int(most) or line.startswith("|"), line


def test_every_alert_of_prometheus_has_its_place_in_the_runbook() -> None:
    rules = (DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    named = re.findall(r"- alert: (\w+)", rules)
    headings = re.findall(r"^## (Engagement\w+)$", Document(DEPLOY / "RUNBOOK.md").prose, re.MULTILINE)
    assert headings == named


def test_what_the_runbook_quotes_of_messages_stands_in_the_code() -> None:
    sources = [path for suffix in ("py", "lua") for path in Path(ROOT / "streams").rglob(f"*.{suffix}")]
    code = " ".join("".join(path.read_text(encoding="utf-8") for path in sources).split())
    quoted = [row[0] for row in Document(DEPLOY / "RUNBOOK.md").table("it says", "action")]
    assert quoted
    for message in quoted:
        parts = [part.strip(" .,;") for part in message.split("...")]
        code_text = re.sub(r'" (f)?"', "", code)
        assert all(part in code_text for part in parts), message


def test_the_columns_of_a_report_that_are_explained_are_those_that_it_has() -> None:
    printed = {
        node.value
        for function in (tables._alerts, tables._before_churn)
        for node in ast.walk(ast.parse(inspect.getsource(function)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    explained = {name for row in MANUAL.table("column of the report", "") for name in names_in(row[0])}
    formats = {","}
    assert printed - formats - {"Alerts", "Alerts before the churn", "rule", "alerts"} == explained


def test_the_index_leads_to_every_page() -> None:
    index = page("index")
    linked = {(index.path.parent / link.partition("#")[0]).resolve() for link in index.links()}
    own = {found.path for found in PAGES if found.path.parent.name != "decisions"} - {index.path}
    assert not own - linked
