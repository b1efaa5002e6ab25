"""The signals of a policy file: what they may say, and every problem at once."""

from __future__ import annotations

from fractions import Fraction

import pytest

from scoring.errors import PolicyError
from scoring.instants import DAY, HOUR
from scoring.policy.change import policy_digest
from scoring.policy.channels import type_code
from scoring.policy.policy import BANDS
from scoring.rules.quiet_hours import QuietHours
from scoring.rules.signals import BAND, EVENT, MEASURE, MOVE, WITHOUT
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY

COMMON = "cooldown, quiet, timezone, severity, title, message"
KINDS = "on, after, reaches, leaves, falls_by, rises_by, measure, funnel"


def problems(tables: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"{POLICY}\n{tables}")
    return list(caught.value.problems)


def test_each_kind_of_rule_is_read() -> None:
    policy = parse_policy(
        f"""{POLICY}
[signals.angry]
on = ["web.complain", "web.quit"]
severity = "critical"
cooldown = "1d"
[signals.cart]
after = "web.view"
without = ["web.buy"]
within = "1h"
quiet = "22:00-08:30"
timezone = "Europe/Berlin"
[signals.upsell]
reaches = "power"
[signals.fall]
falls_by = "50%"
within = "1d"
"""
    )
    angry, cart, upsell, fall = policy.signals
    assert [rule.kind for rule in policy.signals] == [EVENT, WITHOUT, BAND, MOVE]
    assert (angry.on, angry.severity, angry.cooldown) == (
        (type_code("web", "complain"), type_code("web", "quit")),
        "critical",
        DAY,
    )
    assert (cart.within, cart.feeds, cart.quiet) == (HOUR, ("web",), QuietHours(22 * 60, 510, "Europe/Berlin"))
    assert upsell.reaches == BANDS.index("power")
    assert (fall.share, fall.rises, fall.within) == (500_000, False, DAY)
    assert policy_digest(policy) != policy_digest(parse_policy(POLICY))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("signals = 3", "signals: must hold tables, such as [signals.upsell]"),
        ("[signals]\nupsell = 3", "signals.upsell: must be a table, [signals.upsell]"),
        (
            '[signals.Up]\nreaches = "power"',
            "signals.Up: a signal's name is 1 to 32 characters out of a-z 0-9 _, a letter first",
        ),
        ("[signals.a]", f"signals.a: must have one of {KINDS}"),
        (
            '[signals.a]\non = "web.buy"\nreaches = "power"',
            f"signals.a: must have one of {KINDS}, not on and reaches",
        ),
        (
            '[signals.a]\non = "web.nothing"',
            "signals.a.on: there is no weight for 'web.nothing'; a type is written CHANNEL.TYPE, and 0 will do",
        ),
        ("[signals.a]\non = []", "signals.a.on: [] is neither a type nor a list of types"),
        (
            '[signals.a]\non = "web.buy"\nwithin = "1h"',
            f"signals.a.within: unknown key beside on; allowed here: {COMMON}, on",
        ),
        (
            '[signals.a]\nafter = "web.view"\nwithin = "1h"',
            "signals.a.without: say which types, or by without_band which band, are to come after it",
        ),
        (
            '[signals.a]\nafter = "web.view"\nwithout = "web.view"\nwithin = "1h"',
            "signals.a.without: 'view' stands in after, too",
        ),
        (
            '[signals.a]\nafter = "web.view"\nwithout = "web.buy"\nwithin = "4d"',
            "signals.a.within: must be more than 0 and at most 3d: window.length",
        ),
        (
            '[signals.a]\nafter = "web.view"\nwithout = "social.post"\nwithin = "1d"\nobject = "id"',
            "signals.a.object: the types must be of one channel",
        ),
        (
            '[signals.a]\nreaches = "at_risk"',
            "signals.a.reaches: 'at_risk' is not one of disengaged, engaged, highly_engaged, power",
        ),
        (
            '[signals.a]\nfalls_by = 5\nwithin = "2d"',
            "signals.a.within: must be more than 0 and at most 1d: window.trend, as far back as counts are kept",
        ),
        (
            '[signals.a]\nfalls_by = 0\nwithin = "1d"',
            'signals.a.falls_by: 0 is neither a number of points above 0 nor a share such as "50%"',
        ),
        (
            '[signals.a]\nreaches = "power"\nquiet = "22-8"',
            "signals.a.quiet: '22-8' is not a part of the day such as \"22:00-08:00\"",
        ),
        (
            '[signals.a]\nreaches = "power"\nquiet = "22:00-08:00"\ntimezone = "Europe/Atlantis"',
            "signals.a.timezone: 'Europe/Atlantis' is not a time zone such as Europe/Berlin",
        ),
        (
            "[signals.a]\nfalls_by = 5",
            "signals.a.within: is missing: the time between the two scores that are compared, in whole panes",
        ),
        (
            '[signals.a]\nmeasure = "posts"\nat_most = 1',
            "signals.a.measure: there is no measure 'posts'; there are none",
        ),
        ('[signals.a]\nreaches = "power"\ntimezone = "UTC"', "signals.a.timezone: there is no quiet"),
        (
            '[signals.a]\nreaches = "power"\nseverity = "loud"',
            "signals.a.severity: 'loud' is not one of info, notice, warning, critical",
        ),
        (
            '[signals.a]\nreaches = "power"\ncooldown = "soon"',
            "signals.a.cooldown: 'soon' is not a duration such as 30d, 24h, 15m, 10s or 500ms",
        ),
    ],
)
def test_what_is_wrong_with_a_signal_is_told(table: str, problem: str) -> None:
    found = _at_the_top(table) if table.startswith("signals") else problems(table)
    assert found == [problem]


def _at_the_top(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"{text}\n{POLICY}")
    return list(caught.value.problems)


MEASURES = """[measures.posts]
kind = "count"
of = ["social.post"]
[measures.habit]
kind = "regularity"
of = ["web.view"]
over = "7d"
[window]
length = "7d"
"""


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('measure = "post"\nat_least = 1', "signals.a.measure: there is no measure 'post'; there are posts, habit"),
        ('measure = "habit"\nat_least = 1', "signals.a.measure: the measure is a word, and has no bounds"),
        (
            'measure = "posts"',
            "signals.a.at_least: say from which value on it holds, or by at_most up to which",
        ),
        ('measure = "posts"\nat_least = 3\nat_most = 2', "signals.a.at_least: is more than at_most"),
        ('measure = "posts"\nat_least = "3"', "signals.a.at_least: '3' is not a number"),
        (
            'measure = "posts"\nat_least = 3\nwithin = "1d"',
            f"signals.a.within: unknown key beside measure; allowed here: {COMMON}, measure, at_least, at_most",
        ),
    ],
)
def test_what_is_wrong_with_a_signal_on_a_measure_is_told(keys: str, problem: str) -> None:
    text = 'version = "m"\n[channels.web]\nweights = { view = 1 }\n[channels.social]\nweights = { post = 1 }\n'
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"{text}{MEASURES}\n[signals.a]\n{keys}")
    assert list(caught.value.problems) == [problem]


def test_a_signal_on_a_measure_is_read_with_its_exact_bounds() -> None:
    measure = '[measures.posts]\nkind = "count"\nof = ["social.post"]'
    policy = parse_policy(f'{POLICY}\n{measure}\n[signals.a]\nmeasure = "posts"\nat_least = 0.1\nat_most = 3')
    [rule] = policy.signals
    assert (rule.kind, rule.measure, rule.at_least, rule.at_most) == (MEASURE, "posts", Fraction(1, 10), Fraction(3))


def test_every_problem_of_all_signals_is_told_at_once() -> None:
    found = problems(
        """
[signals.a]
on = "web.nothing"
quiet = "22-8"
timezone = "UTC"
severity = "loud"
[signals.b]
after = "web.view"
within = "soon"
without_band = "best"
[signals.c]
falls_by = "much"
within = "9d"
loud = true
"""
    )
    assert sorted(found) == [
        "signals.a.on: there is no weight for 'web.nothing'; a type is written CHANNEL.TYPE, and 0 will do",
        "signals.a.quiet: '22-8' is not a part of the day such as \"22:00-08:00\"",
        "signals.a.severity: 'loud' is not one of info, notice, warning, critical",
        "signals.b.within: 'soon' is not a duration such as 30d, 24h, 15m, 10s or 500ms",
        "signals.b.without_band: 'best' is not one of disengaged, engaged, highly_engaged, power",
        "signals.c.falls_by: 'much' is not a number",
        f"signals.c.loud: unknown key beside falls_by; allowed here: {COMMON}, falls_by, within",
        "signals.c.within: must be more than 0 and at most 1d: window.trend, as far back as counts are kept",
    ]


def test_how_a_signal_is_told_changes_no_rule() -> None:
    table = '[signals.a]\nreaches = "power"'
    plain, told = (parse_policy(f"{POLICY}\n{text}") for text in (table, f'{table}\ntitle = "Call"'))
    other = parse_policy(f"{POLICY}\n{table.replace('power', 'engaged')}")
    assert plain.signals_digest == told.signals_digest != other.signals_digest
