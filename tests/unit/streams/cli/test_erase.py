"""`engagement erase`: what it refuses before it connects."""

from click.testing import CliRunner

from streams.cli.main import engagement


def test_nobody_is_erased_until_a_time_that_is_still_to_come() -> None:
    words = ["erase", "anna", "--yes", "--events-before", "2126-11-21T09:30:00Z"]
    result = CliRunner().invoke(engagement, words)

    assert result.exit_code == 2
    assert "'2126-11-21T09:30:00Z' is still to come" in result.output


def test_a_time_that_has_come_is_taken() -> None:
    result = CliRunner().invoke(engagement, ["erase", "anna", "--events-before", "2h"])

    assert "give --yes" in result.output
