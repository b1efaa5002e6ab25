"""What names a type and not those as which some of its events count is pointed out by `engagement policy check`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.main import engagement
from streams.policies.shipped import shipped_policies, shipped_policy
from streams.policy_file.document import parse_policy
from streams.policy_file.unnamed_types import unnamed_types
from tests.unit.docs.reading import DOCS, Document

CHANNELS = """
[channels.shop]
weights = { purchase = 5, large = 9, small = 1, cancel = 0, cart = 1 }
types = [
    { type = ["purchase"], as = "large", when = { "properties.amount" = { at_least = 100 } } },
    { type = "purchase", as = "small", when = { "properties.amount" = { at_most = 5 } } },
]
"""


def unnamed(more: str) -> list[str]:
    """Name what a policy leaves out that has the channel."""
    text = CHANNELS + more
    assert parse_policy(text)
    return list(unnamed_types(text))


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ('retracts = { cancel = ["purchase", "small"] }', "channels.shop.retracts.cancel"),
        ('sessions = "30m"\nsession_types = ["purchase", "small"]', "channels.shop.session_types"),
        ('[measures.bought]\nkind = "count"\nof = ["shop.purchase", "shop.small"]', "measures.bought.of"),
        (
            '[signals.left]\nafter = "shop.cart"\nwithout = ["shop.purchase", "shop.small"]\nwithin = "1h"',
            "signals.left",
        ),
        ('[funnels.way]\nsteps = ["shop.cart", ["shop.purchase", "shop.small"]]\nwithin = "7d"', "funnels.way.steps"),
        ('[kpi.groups.by]\nproperty = "by"\nof = ["shop.purchase", "shop.small"]', "kpi.groups.by.of"),
        ('[kpi.churn]\nby = ["shop.purchase", "shop.small"]', "kpi.churn.by"),
    ],
)
def test_a_place_that_names_only_a_part_of_the_events_is_named(more: str, where: str) -> None:
    (told,) = unnamed(more)
    assert told.startswith(where)
    assert told.endswith("names shop.purchase and not shop.large, as which some of its events count")
    assert unnamed(more.replace('"purchase"', '"purchase", "large"').replace('"shop.p', '"shop.large", "shop.p')) == []


def test_what_names_all_of_them_a_channel_or_only_the_other_type_says_what_it_means() -> None:
    assert unnamed('[measures.all]\nkind = "count"\nof = ["shop"]') == []
    assert unnamed('[measures.all]\nkind = "count"\nof = ["shop", "shop.purchase"]') == []
    assert unnamed('[signals.thanks]\non = "shop.large"') == []


@pytest.mark.parametrize("name", shipped_policies())
def test_the_policies_that_come_with_the_package_leave_nothing_out(name: str) -> None:
    assert list(unnamed_types(shipped_policy(name))) == []


def test_the_policy_of_the_page_leaves_nothing_out() -> None:
    page = Document(DOCS / "reference" / "what-is-measured.md")
    assert list(unnamed_types("\n".join(page.blocks("toml")))) == []


def test_the_check_warns_of_it_and_takes_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(CHANNELS + '[signals.bought]\non = "shop.purchase"\n')
    result = CliRunner().invoke(engagement, ["policy", "check", str(path)])
    assert result.exit_code == 0
    rule = "signals.bought.on names shop.purchase and not shop."
    assert result.stderr.splitlines() == [
        f"warning: {rule}{kind}, as which some of its events count" for kind in ("large", "small")
    ]
