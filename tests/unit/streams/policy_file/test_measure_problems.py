"""What is wrong with measures, sessions and machines in a policy file: one clear message for each problem."""

from __future__ import annotations

import pytest

from scoring.policy.policy import RESERVED_NAMES
from scoring.rules.details import Amount
from streams.policy_file import asked_amounts, channels
from streams.policy_file.document import parse_policy
from streams.policy_file.measure_tables import KINDS
from tests.unit.streams.policy_file.test_policy_problems import problems

CHANNELS = """
[channels.web]
weights = { view = 1, buy = 3 }
sessions = "30m"
[channels.mail]
weights = { open = 1, click = 2 }
"""


_NO_DAYS = "measures.found: a regularity is made of days; it needs panes that divide a day, over whole days, 7 or more"


def measure(lines: str, name: str = "found") -> str:
    """Write a policy with one measure."""
    return f"{CHANNELS}[measures.{name}]\n{lines}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("measures = 3\n" + CHANNELS, "measures: must hold tables, such as [measures.active_days]"),
        (CHANNELS + "[measures]\nfound = 3", "measures.found: must be a table, [measures.found]"),
        (measure(""), f"measures.found.kind: is missing: one of {', '.join(KINDS)}"),
        (measure('kind = "median"'), f"measures.found.kind: 'median' is none of {', '.join(KINDS)}"),
        (measure('kind = ["sum"]'), f"measures.found.kind: ['sum'] is none of {', '.join(KINDS)}"),
        (
            measure('kind = "panes"'),
            "measures.found.of: is missing: types of events such as email.click, or channels for all of theirs",
        ),
        (
            measure('kind = "panes"\nof = ["web"]\ntimes = 3'),
            "measures.found.times: unknown key for kind panes; allowed here: kind, of, over",
        ),
        (
            measure('kind = "panes"\nof = "web"'),
            'measures.found.of: must be a list of types such as ["email.click"], or of channels',
        ),
        (
            measure('kind = "panes"\nof = []'),
            'measures.found.of: must be a list of types such as ["email.click"], or of channels',
        ),
        (
            measure('kind = "panes"\nof = ["shop.buy"]'),
            "measures.found.of: 'shop.buy' begins with no channel of this policy",
        ),
        (measure('kind = "panes"\nof = [3]'), "measures.found.of: 3 begins with no channel of this policy"),
        (
            measure('kind = "panes"\nof = ["web.bye"]'),
            "measures.found.of: 'web.bye' has no weight in channels.web.weights",
        ),
        (
            measure('kind = "difference"\nof = ["web"]\nless = ["mail.opn"]'),
            "measures.found.less: 'mail.opn' has no weight in channels.mail.weights",
        ),
        (
            measure('kind = "ratio"\nof = ["web"]\nto = ["mail."]'),
            "measures.found.to: 'mail.' has no weight in channels.mail.weights",
        ),
        (
            measure('kind = "ratio"\nof = ["web"]\nto = ["mail"]\nto_latest = "a"\nto_property = "b"'),
            "measures.found: to_latest and to_property exclude each other",
        ),
        (
            measure('kind = "sum"\nof = ["web"]\nproperty = 3'),
            "measures.found.property: must be the name of a property",
        ),
        (
            measure('kind = "sum"\nof = ["web"]\nproperty = ""'),
            "measures.found.property: must be the name of a property",
        ),
        (
            measure('kind = "count"\nof = ["web"]\nover = "36h"'),
            "measures.found.over: must be a whole number of panes of 1d, and not more than the window of 30d",
        ),
        (
            measure('kind = "count"\nof = ["web"]\nover = "31d"'),
            "measures.found.over: must be a whole number of panes of 1d, and not more than the window of 30d",
        ),
        (
            measure('kind = "count"\nof = ["web"]\nper = 365'),
            "measures.found.per: 365 is not a duration such as 30d, 24h, 15m, 10s or 500ms",
        ),
        (
            measure('kind = "count"\nof = ["web"]\nprojected = "30d"'),
            "measures.found.projected: needs per, the time for which the measure is taken",
        ),
        (
            measure('kind = "count"\nof = ["web"]\nper = "30d"\nprojected = "23h"'),
            "measures.found.projected: must be a pane of 1d or more",
        ),
        (
            measure('kind = "sum"\nof = ["web.view"]\nless = ["web.buy"]\nproperty = "a"').replace(
                'sessions = "30m"', 'retracts = { buy = "view" }'
            ),
            "measures.found.less: buy takes view back with its amount, which would be lost twice",
        ),
        (measure('kind = "count"\nof = ["web"]\ntimes = 0'), "measures.found.times: must not be 0"),
        (measure('kind = "count"\nof = ["web"]\ntimes = "x"'), "measures.found.times: 'x' is not a number"),
        (
            measure('kind = "balance"\nof = ["web"]\nproperty = "a"\nhigh = 2\nlow = 2'),
            "measures.found.low: must be less than high",
        ),
        (
            measure('kind = "regularity"\nof = ["web"]\nover = "6d"'),
            _NO_DAYS,
        ),
        (
            measure('kind = "regularity"\nof = ["web"]') + '\n[window]\npane = "5d"',
            _NO_DAYS,
        ),
        (
            measure('kind = "sessions"\nchannel = "mail"'),
            "measures.found.channel: 'mail' is not a channel with sessions",
        ),
        (
            measure('kind = "duration"\nchannel = ["web"]\nduration = "answer"'),
            "measures.found.duration: the channel ['web'] has no duration 'answer'",
        ),
        (
            measure('kind = "duration"\nchannel = "web"\nduration = ["answer"]'),
            "measures.found.duration: the channel 'web' has no duration ['answer']",
        ),
        (
            measure('kind = "sessions"\nchannel = ["web"]'),
            "measures.found.channel: ['web'] is not a channel with sessions",
        ),
        *(
            (
                measure('kind = "panes"\nof = ["web"]', name),
                f"measures.{name}: the name is that of a field of the score; choose another",
            )
            for name in sorted(RESERVED_NAMES)
        ),
        (
            measure('kind = "panes"\nof = ["web"]', "mail"),
            "measures.mail: the name is that of a channel; choose another",
        ),
        (
            measure('kind = "panes"\nof = ["web"]', "_found"),
            "measures._found: a measure's name is 1 to 32 characters out of a-z 0-9 _, a letter first",
        ),
    ],
)
def test_a_measure_that_cannot_be_is_refused_with_one_message(text: str, problem: str) -> None:
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('sessions = "soon"', "channels.web.sessions: 'soon' is not a duration such as 30m"),
        ("sessions = 30", "channels.web.sessions: 30 is not a duration such as 30m"),
        ('sessions = "59s"', "channels.web.sessions: must be whole seconds, a minute or more"),
        ('sessions = "90500ms"', "channels.web.sessions: must be whole seconds, a minute or more"),
        ('sessions = "30m"\npages = "view"', 'channels.web.pages: must be a list of types such as ["page_view"]'),
        ('sessions = "30m"\npages = ["look"]', "channels.web.pages: 'look' has no weight in channels.web.weights"),
        ('pages = ["view"]', "channels.web.pages: has no meaning without channels.web.sessions"),
        ('session_types = ["view"]', "channels.web.session_types: has no meaning without channels.web.sessions"),
        (
            'sessions = "30m"\nsession_types = ["look"]',
            "channels.web.session_types: 'look' has no weight in channels.web.weights",
        ),
        (
            'sessions = "30m"\nsession_types = []\npages = ["view"]',
            "channels.web.pages: 'view' is none of channels.web.session_types",
        ),
        ("machine = 3", 'channels.web.machine: must be a table such as { open = "machine_open" }'),
        (
            'machine = { look = "machine_look" }',
            "channels.web.machine.look: there is no weight for this type in channels.web.weights",
        ),
        (
            'machine = { view = "view" }',
            "channels.web.machine.view: 'view' is not the name of a property, other than the type's own",
        ),
        (
            "machine = { view = true }",
            "channels.web.machine.view: True is not the name of a property, other than the type's own",
        ),
    ],
)
def test_a_channel_that_cannot_be_read_so_is_refused(lines: str, problem: str) -> None:
    assert problems(f"[channels.web]\nweights = {{ view = 1 }}\n{lines}") == [problem]


def test_all_problems_of_a_measure_come_at_once() -> None:
    text = measure('kind = "sum"\nof = ["shop"]\nproperty = ""\nover = "1h"\ntimes = 0', "score")
    assert sorted(problem.partition(":")[0] for problem in problems(text)) == [
        "measures.score",
        "measures.score.of",
        "measures.score.over",
        "measures.score.property",
        "measures.score.times",
    ]


def test_two_properties_with_the_same_stored_code_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_amounts, "amount_of", lambda *words: Amount("$abc", *words[2:]))
    text = measure('kind = "sum"\nof = ["web.buy"]\nproperty = "amount"\n')
    assert parse_policy(text).measures
    more = '[measures.more]\nkind = "sum"\nof = ["web.buy"]\nproperty = "price"'
    expected = ["measures: the properties price and amount have the same stored code; rename one"]
    assert sorted(problems(text + more)[0].split()) == sorted(expected[0].split())


def test_two_channels_whose_visits_would_be_mixed_up_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = CHANNELS + 'sessions = "1h"\n'
    assert len(parse_policy(text).sessions) == 4
    monkeypatch.setattr(channels, "session_code", lambda _: "ab")
    assert problems(text) == ["channels.mail and channels.web have the same stored code of sessions; rename one"]


def test_the_machines_own_type_may_have_a_weight_and_is_counted_in_no_whole_channel() -> None:
    text = """
[channels.mail]
weights = { open = 1, by_machine = -1 }
sessions = "30m"
machine = { open = "by_machine", by_machine = "by_other" }
[measures.active]
kind = "panes"
of = ["mail"]
[measures.machines]
kind = "count"
of = ["mail.by_machine", "mail.by_other"]
"""
    policy = parse_policy(text)
    names = {code: kind.name for code, kind in policy.types.items()}
    assert [names[code] for code in policy.measures[0].of] == ["open"]
    assert [names[code] for code in policy.measures[1].of] == ["by_machine", "by_other"]
    assert [names[code] for code in policy.sessions] == ["open"]
    assert {kind.name: kind.weight for kind in policy.types.values()} == {
        "open": 1_000_000,
        "by_machine": -1_000_000,
        "by_other": 0,
    }
