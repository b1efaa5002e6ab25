"""Options that override settings, and durations."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from streams.cli.options import takes_settings
from streams.cli.parameters import DURATION
from streams.settings.settings import Settings


@click.command()
@takes_settings("brokers", "namespace", "web-port", "policy")
@click.option("--other", default="untouched")
def command(settings: Settings, other: str) -> None:
    click.echo(f"{settings.kafka_brokers} {settings.namespace} {settings.web_port} {settings.policy.version} {other}")


def test_without_options_the_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGEMENT_NAMESPACE", "from-the-environment")
    result = CliRunner().invoke(command, [])
    assert result.stdout == "localhost:9092 from-the-environment 6066 builtin-2 untouched\n"


def test_an_option_overrides_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENGAGEMENT_NAMESPACE", "from-the-environment")
    policy = tmp_path / "policy.toml"
    policy.write_text('version = "mine"')
    options = [
        "--namespace",
        "mine",
        "--brokers",
        "kafka:1",
        "--web-port",
        "7",
        "--policy",
        str(policy),
        "--other",
        "x",
    ]
    assert CliRunner().invoke(command, options).stdout == "kafka:1 mine 7 mine x\n"


def test_the_help_says_what_holds_without_an_option() -> None:
    helped = " ".join(CliRunner().invoke(command, ["--help"]).stdout.split())
    assert "[env var: ENGAGEMENT_KAFKA_BROKERS; default: localhost:9092]" in helped
    assert "[env var: ENGAGEMENT_WEB_PORT; default: 6066]" in helped
    assert "[env var: ENGAGEMENT_POLICY]" in helped


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30.0), ("1.5m", 90.0), ("500ms", 0.5), (2, 2.0)])
def test_a_duration_is_seconds(text: str | int, seconds: float) -> None:
    assert DURATION.convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["30", "soon", "-1s", ""])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="30d, 24h"):
        DURATION.convert(text, None, None)
