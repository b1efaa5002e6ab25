"""`engagement policy check` and `show`."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import engagement
from streams.demo.policy import DEMO_POLICY
from streams.errors import SettingsError
from streams.policies.shipped import shipped_policies, shipped_policy
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.document import parse_policy
from streams.settings.settings import read_settings
from streams.topic_names import WRITTEN_TOPICS


def check(path: Path) -> Result:
    return CliRunner().invoke(engagement, ["policy", "check", str(path)], env={"COLUMNS": "120"})


def test_a_good_policy_is_ok_and_summed_up(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(DEMO_POLICY)
    result = check(path)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["OK:", str(path)]
    assert ["version", "demo-1"] in lines
    assert "window     15s in 15 panes of 1s" in result.stdout
    assert (
        "at_risk below 0, disengaged from 0, engaged from 41, highly_engaged from 71, power from 101" in result.stdout
    )
    assert ["email", "email", "unsubscribe", "-40"] in lines
    assert ["clickstream", "clickstream", "page_view", "1", "3"] in lines


def test_rules_by_property_and_points_for_numbers_are_told(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("""
[channels.survey]
weights = { answer = 0, detractor = -10, refund = 0 }
machine = { answer = "robot" }
[[channels.survey.types]]
type = ["answer", "refund"]
as = "detractor"
when = { "properties.score" = { at_least = 1, at_most = 6 }, "properties.tags" = ["new", true] }
unless = { "properties.a" = { same_as = "properties.b" } }
[targets.churn]
at_most = 5
benchmark = 2.5
[channels.survey.points]
refund = { property = "amount", points = -2.5, per = 10, cap = 500 }
""")
    result = check(path)
    assert result.exit_code == 0
    assert " ".join(result.stdout.split()).count(
        "types survey answer as robot when properties.robot is true; answer or refund as detractor when "
        "properties.score at least 1 and at most 6 and properties.tags is new or true "
        "unless properties.a same as properties.b"
    )
    assert "4 types of events in 1 channel" in result.stdout
    assert "churn at most 5, benchmark 2.5" in result.stdout
    assert ["survey", "survey", "refund.amount", "-2.5", "per", "10", "500"] in [
        line.split() for line in result.stdout.splitlines()
    ]


def test_signals_funnels_figures_and_absences_are_told(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("""
[alerts]
absence = { share = 0.5, at_most = 10, margin = 1.8, growth = 0.15 }
[channels.web]
weights = { view = 1, cart = 2, buy = 10, quit = -9 }
[kpi]
by_day = true
by_band = true
[kpi.churn]
after = "60d"
by = ["web.quit"]
[kpi.groups.campaign]
property = "utm"
of = ["web.view", "web.buy"]
[funnels.checkout]
steps = ["web.view", ["web.cart", "web.buy"]]
within = "7d"
[signals.left_cart]
after = "web.cart"
without = "web.buy"
within = "1h"
object = "cart_id"
cooldown = "1d"
quiet = "22:00-08:30"
timezone = "Europe/Berlin"
[signals.upsell]
reaches = "power"
severity = "warning"
""")
    words = " ".join(check(path).stdout.split())
    for line in (
        "absences 0.5 of the longest one, at most 10 days, and 1.8 days more, 0.15 more with each doubling of",
        "lost after 60d of silence or by web.quit",
        "figures by day, by band",
        "group campaign web.view, web.buy by utm, the largest 100",
        "funnel checkout web.view, then web.cart or web.buy, within 7d",
        "signal left_cart no web.buy within 1h of web.cart, for each cart_id; notice; cooldown 1d; quiet 22:00-08:30 E",
        "signal upsell reaches power; warning",
    ):
        assert line in words
    path.write_text("[alerts]\nabsence = false\n[channels.web]\nweights = { view = 1 }\n")
    words = " ".join(check(path).stdout.split())
    assert "absences raise no alert" in words
    assert "lost after 30d of silence" in words


def test_the_feeds_that_are_watched_are_told(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    channels = "[channels.web]\nweights = { a = 1 }\n[channels.email]\nweights = { open = 1 }\n"
    path.write_text(channels)
    assert "none is watched; see silence_after" in check(path).stdout
    path.write_text(channels + 'silence_after = "8d"\n')
    assert "email silent after 8d" in check(path).stdout


def test_a_source_without_ids_or_with_links_that_nobody_reads_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    channels = "[channels.clickstream]\nweights = { page_view = 1 }\n[channels.email]\nweights = { open = 1 }\n"
    plain = 'channel = "clickstream"\ncustomer = "a"\ntype = "b"\ntime = "c"\n'
    path.write_text(f'{channels}[sources.app]\n{plain}[sources.web]\nformat = "segment"\ntopic = "calls"\n')
    result = check(path)
    assert result.exit_code == 0
    assert "app from app, web from calls" in result.stdout
    assert "sources.app has no id: no de-duplication" in result.stderr
    assert "sources.web has links, which are left out without [identities]" in result.stderr
    path.write_text(f'{channels}[identities]\n[sources.web]\nformat = "segment"\n')
    assert check(path).stderr == ""


def test_a_type_renamed_to_what_the_policy_does_not_name_is_warned_of_unless_the_format_does_it(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(
        "[channels.web]\nweights = { page_view = 1 }\n[channels.mail]\nweights = { open = 1 }\n"
        '[sources.web]\nformat = "segment"\nchannel = "web"\nunless = { userId = "me" }\n[sources.web.types]\n'
        'Seen = "page_view"\nRead = "mail.open"\nOpened = "mial.open"\nClosed = "mail.close"\nCart = "cart"\n'
        "[identities]\n"
    )
    result = check(path)
    assert result.exit_code == 0
    assert [line.split(", which")[0] for line in result.stderr.splitlines()] == [
        "warning: sources.web.types: 'Opened' becomes web.mial.open",
        "warning: sources.web.types: 'Closed' becomes mail.close",
        "warning: sources.web.types: 'Cart' becomes web.cart",
    ]


def test_weights_are_shown_with_all_their_decimals(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[window]\nhalf_life = "3d"\n[channels.web]\nweights = { glance = 0.125 }\n')
    result = check(path)
    assert ["web", "web", "glance", "0.125"] in [line.split() for line in result.stdout.splitlines()]
    assert "half-life 3d" in result.stdout


@pytest.mark.parametrize("topic", WRITTEN_TOPICS)
@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("channels.email", '[channels.email]\ntopic = "{}"\nweights = {{ open = 1 }}\n'),
        ("identities", '[identities]\ntopic = "{}"\n'),
        ("profiles", '[profiles]\ntopic = "{}"\n'),
    ],
)
def test_what_a_worker_refuses_is_refused_here_in_the_same_words(
    tmp_path: Path, topic: str, section: str, text: str
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text.format(topic))
    result = check(path)
    with pytest.raises(SettingsError) as refused:
        read_settings({"ENGAGEMENT_POLICY": str(path)})

    [problem] = refused.value.problems
    assert problem == f"ENGAGEMENT_POLICY: {path}: {section}.topic: the service itself writes '{topic}'"
    assert result.exit_code == 2
    assert problem.removeprefix("ENGAGEMENT_POLICY: ") in result.stderr


def test_every_problem_of_a_bad_policy_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('colour = "red"\n[window]\npane = "7d"\n[channels.email]\nweights = { open = "many" }\n')
    result = check(path)
    assert result.exit_code == 2
    assert result.stdout == ""
    for problem in ("colour: unknown key", "window.pane: 7d does not divide", "channels.email.weights.open: 'many'"):
        assert problem in result.stderr


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xff\xfe")
    result = check(path)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"cannot read {path}: it is not UTF-8\n")


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(BUILTIN_POLICY, encoding="utf-8-sig")
    assert check(path).exit_code == 0


def test_a_fitted_policy_that_cannot_be_written_is_refused_before_it_is_fitted(tmp_path: Path) -> None:
    given, output = tmp_path / "out.csv", tmp_path / "none" / "fitted.toml"
    given.write_text("customer_id,churned\n")
    result = CliRunner().invoke(engagement, ["policy", "fit", str(given), str(given), "--output", str(output)])
    assert result.exit_code == 2
    assert f"there is no folder {output.parent}" in result.stderr


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    assert check(tmp_path / "none.toml").exit_code == 2


def test_show_prints_the_builtin_policy_where_none_is_given() -> None:
    assert CliRunner().invoke(engagement, ["policy", "show"]).stdout == BUILTIN_POLICY


def test_show_prints_the_policy_in_force(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(DEMO_POLICY)
    result = CliRunner().invoke(engagement, ["policy", "show"], env={"ENGAGEMENT_POLICY": str(path)})
    assert result.stdout == DEMO_POLICY


@pytest.mark.parametrize("name", shipped_policies())
def test_show_prints_a_policy_that_comes_with_the_package_and_check_accepts_it(name: str, tmp_path: Path) -> None:
    shown = CliRunner().invoke(engagement, ["policy", "show", name])
    assert (shown.exit_code, shown.stdout) == (0, shipped_policy(name))
    path = tmp_path / "policy.toml"
    path.write_text(shown.stdout)
    result = check(path)
    assert result.exit_code == 0
    told = " ".join(result.stdout.split())
    assert all(measure in told for measure in parse_policy(shown.stdout).measure_names)


def test_show_names_the_policies_that_there_are() -> None:
    refused = CliRunner().invoke(engagement, ["policy", "show", "banking"])
    assert refused.exit_code == 2
    assert all(name in refused.stderr for name in shipped_policies())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("open = 1", "open = 2"), "OK: "),
        (('pane = "1d"', 'pane = "12h"'), "cannot be judged on the same counts, as these differ: window.pane"),
        (('trend = "7d"', 'trend = "7d"\nhalf_life = "5d"'), "could not be put in force while workers run"),
        (("least_members = 5", "least_members = 6"), "warning: as a shadow policy it raises no alerts of absence"),
    ],
)
def test_it_says_before_the_start_whether_a_policy_can_be_a_shadow(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    (tmp_path / "live.toml").write_text(f'version = "live"\n{_plain()}')
    (tmp_path / "tried.toml").write_text(f'version = "tried"\n{_plain().replace(*change)}')
    assert change[0] in _plain()
    arguments = ["policy", "check", str(tmp_path / "tried.toml"), "--beside", str(tmp_path / "live.toml")]
    result = CliRunner().invoke(engagement, arguments, env={"COLUMNS": "200"})
    assert said in result.output
    assert result.exit_code == (0 if "OK" in said or "warning" in said else 2)


def _plain() -> str:
    return "\n".join([line for line in BUILTIN_POLICY.splitlines() if not line.startswith("version")])
