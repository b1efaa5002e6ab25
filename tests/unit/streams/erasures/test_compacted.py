"""Topics whose keys are customers: those of the shadow policy only where there is one, as nobody else needs them."""

from __future__ import annotations

from pathlib import Path

from streams.erasures.compacted import keyed_topics
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.settings.settings import read_settings


def test_topics_of_a_shadow_policy_are_looked_at_only_where_there_is_one(tmp_path: Path) -> None:
    own = ["churn-risk-alerts", "engagement-band-changes", "engagement-signals"]
    assert keyed_topics(read_settings({})) == own

    tried = tmp_path / "tried.toml"
    tried.write_text(BUILTIN_POLICY.replace('version = "builtin', 'version = "tried'))
    shadowed = read_settings({"ENGAGEMENT_SHADOW_POLICY": str(tried)})
    assert keyed_topics(shadowed) == [*own, "engagement-alerts-shadow", "engagement-signals-shadow"]
