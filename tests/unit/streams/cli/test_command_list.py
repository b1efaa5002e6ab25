"""The group of commands: quick help, and one clear message for each expected error."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from scoring.errors import InvalidEvent, PolicyError
from streams.cli.main import COMMANDS, CommandList, engagement
from streams.errors import BrokerUnavailable, SettingsError


def raising(error: Exception) -> click.Group:
    @click.command()
    def fail() -> None:
        raise error

    class OneCommand(CommandList):
        def get_command(self, _ctx: click.Context, _cmd_name: str) -> click.Command:
            return fail

    return OneCommand()


def test_the_help_names_every_command() -> None:
    result = CliRunner().invoke(engagement, ["--help"])
    assert result.exit_code == 0
    for name, entry in COMMANDS.items():
        assert f"  {name} " in result.stdout
        assert entry.summary in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_its_own_help_begins_with(name: str) -> None:
    result = CliRunner().invoke(engagement, [name, "--help"])
    assert result.exit_code == 0
    assert COMMANDS[name].summary in " ".join(result.stdout.split())


def test_the_help_imports_neither_kafka_nor_redis_nor_the_screen() -> None:
    program = (
        "import sys; from streams.cli.main import engagement; engagement(['--help'], standalone_mode=False);"
        "print([name for name in ('faust', 'aiokafka', 'redis', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_shown() -> None:
    result = CliRunner().invoke(engagement, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith("engagement ")


@pytest.mark.parametrize(
    "error", [SettingsError(["one is wrong", "two is wrong"]), PolicyError(["one is wrong", "two is wrong"])]
)
def test_wrong_settings_and_policies_end_with_status_2_and_every_problem(error: Exception) -> None:
    result = CliRunner().invoke(raising(error), ["fail"])
    assert result.exit_code == 2
    assert "  one is wrong\n  two is wrong\n" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("error", [BrokerUnavailable("Kafka does not answer"), InvalidEvent("Kafka does not answer")])
def test_other_expected_errors_end_with_status_1_and_their_message(error: Exception) -> None:
    result = CliRunner().invoke(raising(error), ["fail"])
    assert result.exit_code == 1
    assert result.stderr == "Error: Kafka does not answer\n"


def test_an_error_of_our_own_making_is_not_hidden() -> None:
    result = CliRunner().invoke(raising(ZeroDivisionError()), ["fail"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_a_wrong_option_is_reported_as_the_setting_that_it_is() -> None:
    result = CliRunner().invoke(engagement, ["worker", "--web-port", "none", "--clock", "sundial"])
    assert result.exit_code == 2
    assert "ENGAGEMENT_WEB_PORT: 'none'" in result.stderr
    assert "ENGAGEMENT_CLOCK: 'sundial'" in result.stderr


def test_a_command_reports_what_looks_like_a_setting_and_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGEMENT_KAFKA_BROKER", "the-value")

    done = CliRunner().invoke(engagement, ["policy", "show"])

    assert done.exit_code == 0
    assert done.stderr == "Warning: ENGAGEMENT_KAFKA_BROKER is not a setting; is ENGAGEMENT_KAFKA_BROKERS meant?\n"
