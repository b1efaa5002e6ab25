"""`engagement link`: what it refuses before it connects."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import engagement


def link(policy: Path, *ids: str) -> Result:
    return CliRunner().invoke(engagement, ["link", *ids], env={"ENGAGEMENT_POLICY": str(policy)})


def test_without_a_topic_of_links_nobody_would_read_it(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('version = "a"\n')
    result = link(policy, "cookie", "anna")

    assert result.exit_code == 1
    assert "no section [identities]" in result.output


@pytest.mark.parametrize("words", [("link", "\udcff", "anna"), ("erase", "\udcff"), ("kpi", "--segment", "\udcff")])
def test_a_name_that_is_not_utf_8_is_refused(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(engagement, words)

    assert result.exit_code == 2
    assert r"'\udcff' is not UTF-8" in result.output


@pytest.mark.parametrize(
    ("ids", "reason"),
    [(("anna", "anna"), "link_closes_circle"), (("", "anna"), "id_empty"), (("a", "b" * 257), "customer_id_too_long")],
)
def test_what_would_be_a_dead_letter_is_refused(tmp_path: Path, ids: tuple[str, str], reason: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[identities]\n")
    result = link(policy, *ids)

    assert result.exit_code == 1
    assert reason in result.output
