"""What the pages say of the policy."""

import re
import tomllib

from scoring.customer.objects import MOST_ACTIONS, MOST_OBJECTS
from scoring.customer.state import CustomerState
from scoring.events.event import EventReader
from scoring.instants import DAY, SECOND
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.mapping.conditions import WORDS
from scoring.points import POINT
from scoring.policy.channels import NO_CAP
from scoring.rules.segments import MOST_SEGMENT_BYTES, MOST_SEGMENTS, Profiles
from scoring.rules.sentiment import MOST_CHARACTERS, Sentiment
from scoring.rules.targets import Target
from streams.policies.shipped import shipped_policies, shipped_policy
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.channels import ChannelTable
from streams.policy_file.document import PolicyFile, parse_policy
from streams.policy_file.figures import ChurnTable, GroupTable, Kpi
from streams.policy_file.measure_tables import HIGH, KINDS, LOW
from streams.policy_file.numbers import NumberTable
from streams.policy_file.scores import MOST_SCORES
from streams.policy_file.sections import ProfilesTable
from streams.policy_file.sentiment import SentimentTable
from streams.policy_file.table import Table
from streams.policy_file.targets import TargetTable
from streams.policy_file.type_rules import MOST_RULES, TypeRuleTable
from tests.unit.docs import maria
from tests.unit.docs.reading import DEPLOY, MANUAL, names_in, page

SECTIONS = ("window", "bands", "alerts", "clock", "events", "dead_letters", "kpi")


def defaults() -> dict[str, str]:
    sections = {name: field.annotation for name, field in PolicyFile.by_key().items() if name in SECTIONS}
    return {
        f"{name}.{key}": str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        for name, section in sections.items()
        if isinstance(section, type) and issubclass(section, Table)
        for key, field in section.by_key().items()
        if field.default not in ({}, None)
    }


def test_where_profiles_come_from_by_default_is_in_the_table() -> None:
    rows = {names_in(row[0])[0]: row[1] for row in MANUAL.table("key", "default", "")}
    assert Profiles() == Profiles(*[names_in(rows[f"profiles.{key}"])[0] for key in ProfilesTable.by_key()])


def test_segments_and_named_scores_are_read_as_shown() -> None:
    [segments] = page("howto/segments-and-profiles").blocks("toml")
    *_, scores = page("reference/policy").blocks("toml")
    policy = parse_policy(segments + scores)
    assert list(policy.by_segment) == ["enterprise", "trial"]
    assert [(score.name, score.alerts) for score in policy.scores] == [("shop", True), ("community", False)]
    assert f"At most {MOST_SEGMENTS} segments may have rules" in MANUAL.words
    assert f"may declare up to {MOST_SCORES} named scores" in MANUAL.words
    assert f"A name has at most {MOST_SEGMENT_BYTES} bytes" in MANUAL.words


def test_the_keys_of_a_policy_are_those_in_the_table() -> None:
    keys = {"version", "identities.topic", "kpi.groups", "kpi.churn", *defaults()}
    keys |= {f"channels.<name>.{key}" for key in ChannelTable.by_key()}
    keys |= {f"{table}.<name>.<key>" for table in ("measures", "segments", "scores", "targets", "signals", "funnels")}
    keys |= {f"profiles.{key}" for key in ProfilesTable.by_key()}
    assert {names_in(row[0])[0] for row in MANUAL.table("key", "default", "")} == keys


def test_the_defaults_are_those_in_the_table() -> None:
    rows = {names_in(row[0])[0]: row[1] for row in MANUAL.table("key", "default", "")}
    assert {key: names_in(rows[key])[0] for key in defaults()} == defaults()
    version = 'version = "the same"\n'
    assert parse_policy(version + _as_policy(defaults())) == parse_policy(version)


def _as_policy(values: dict[str, str]) -> str:
    sections: dict[str, str] = {}
    for name, value in values.items():
        section, key = name.split(".")
        written = value if value.replace(".", "").isdigit() or value == "false" else f'"{value}"'
        sections[section] = sections.get(section, f"[{section}]\n") + f"{key} = {written}\n"
    return "".join(sections.values())


def test_the_weights_are_the_built_in_ones() -> None:
    shown = {}
    for channel, weights in MANUAL.table("channel", "weights"):
        entries = [re.fullmatch(r"(\w+) (-?[\d.]+)(?: \(x (\d+)\))?", entry) for entry in weights.split(", ")]
        assert all(entries), weights
        shown[names_in(channel)[0]] = {entry[1]: (float(entry[2]), entry[3]) for entry in entries if entry}
    assert shown == {
        channel.name: {
            kind.name: (kind.weight / 10**6, None if kind.cap == NO_CAP else str(kind.cap)) for kind in channel.types
        }
        for channel in maria.POLICY.channels
    }


def test_the_events_of_one_object_are_paired_as_told() -> None:
    [lines] = [block for block in page("reference/policy").blocks("toml") if "durations" in block]
    durations = [each for pairing in parse_policy(lines).channels[0].pairings for each in pairing.durations]
    assert [duration.name for duration in durations] == ["first_response", "resolution"]
    _, email, social = maria.POLICY.channels
    assert [(pairing.key, len(pairing.codes)) for pairing in (*email.pairings, *social.pairings)] == [
        ("message_id", 2),
        ("object_id", 11),
    ]
    assert [gateway.within for pairing in email.pairings for gateway in pairing.gateways] == [10 * SECOND]
    assert (MOST_ACTIONS, MOST_OBJECTS) == (32, 512)
    assert "At most 32 events of one object and 512 objects" in MANUAL.words


def test_types_and_points_by_property_are_read_as_shown() -> None:
    survey, reviews, shop, *_ = page("reference/policy").blocks("toml")
    told = parse_policy(reviews).channels[0].sentiment
    assert told == Sentiment(("comment",))
    assert f"The first {MOST_CHARACTERS:,} characters" in MANUAL.words
    rows = MANUAL.table("key of `sentiment`", "")
    assert [names_in(row[0])[0] for row in rows] == list(SentimentTable.model_fields)
    anna = _Customer(survey)
    assert [anna.does("answer", score=score) for score in (3, 9, 7)] == ["detractor", "promoter", "answer"]
    assert anna.does("answer") == "answer"
    assert {names_in(row[0])[0] for row in MANUAL.table("key of a rule", "")} | {"unless"} == set(
        TypeRuleTable.by_key()
    )
    words = [name for row in MANUAL.table("in a condition", "holds for") for name in names_in(row[0])]
    assert words == list(WORDS)
    assert f"at most {MOST_RULES} rules" in MANUAL.words

    anna = _Customer(shop)
    anna.does("purchase", amount=120, order_id="7")
    assert anna.score == 5 + 24
    anna.does("refund", amount=30)
    assert anna.score == 5 + 24 - 6
    anna.does("purchase", amount=620)
    assert anna.score == 2 * 5 + 100 - 6
    anna.does("cancellation", order_id="7")
    assert anna.score == 5 + 100 - 6
    numbers, figures = MANUAL.table("key of `points`", ""), MANUAL.table("key of `[kpi]`", "")
    assert [names_in(row[0])[0] for row in numbers] == list(NumberTable.by_key())
    keys = [key for key in Kpi.by_key() if key not in ("keep", "groups", "churn")]
    keys += [f"churn.{key}" for key in ChurnTable.by_key()]
    keys += [f"groups.<name>.{key}" for key in GroupTable.by_key()]
    assert [names_in(row[0])[0] for row in figures] == keys


def test_targets_are_read_as_shown() -> None:
    [lines] = [block for block in page("reference/policy").blocks("toml") if "[targets" in block]
    assert parse_policy(lines).targets == (
        Target("retention", at_least=70, warn_below=50),
        Target("stickiness", at_least=1, at_most=5, benchmark=3.5),
    )
    bounds = [name for row in MANUAL.table("bound", "") for name in names_in(row[0])]
    assert bounds == list(TargetTable.by_key())


def test_events_of_another_worth_are_counted_as_shown() -> None:
    _, text = page("howto/write-a-policy").blocks("toml")
    policy = parse_policy(text)
    survey, news, shop = (_Customer(text, channel.name) for channel in policy.channels)
    assert (survey.does("answer", score=2), survey.does("answer", score=10)) == ("detractor", "promoter")
    assert (survey.does("review", stars=1), survey.does("review", stars=5)) == ("one_star", "review")
    url = "https://example.com/prices?from=mail"
    assert (news.does("click", url=url, campaign="autumn"), news.does("click", campaign="autumn")) == (
        "price_click",
        "autumn_click",
    )
    assert (news.does("open", campaign="autumn"), news.does("open", campaign="spring")) == ("autumn_open", "open")
    assert (shop.does("purchase", amount=99.99), shop.does("purchase", amount=100)) == ("purchase", "large_purchase")
    assert shop.score == 5 + 15 + 20
    shop.does("refund", amount=50)
    assert shop.score == 5 + 15 + 20 - 10


class _Customer:
    """A customer of one channel of a policy as text."""

    def __init__(self, text: str, channel: str = "") -> None:
        self._policy = parse_policy(text)
        [own, *_] = [each for each in self._policy.channels if channel in ("", each.name)]
        self._reader, self._state = EventReader(own, self._policy.types), CustomerState()

    def does(self, kind: str, **properties: object) -> str:
        """Have an event happen; tell which type it counts as."""
        event = self._reader.event(kind, DAY, None, properties)
        advance(self._policy, self._state, [event], Moment(DAY))
        return self._policy.types[event.code].name

    @property
    def score(self) -> float:
        return self._state.score / POINT


def test_a_fourth_channel_is_added_to_the_built_in_policy_as_shown() -> None:
    lines, _ = page("howto/write-a-policy").blocks("toml")
    added = parse_policy(BUILTIN_POLICY + lines)
    assert len(added.channels) == len(maria.POLICY.channels) + 1
    assert added.channels[:-1] == maria.POLICY.channels
    example = (DEPLOY / "policies" / "fourth-channel.toml").read_text(encoding="utf-8")
    assert tomllib.loads(example)["channels"]["support"] == tomllib.loads(lines)["channels"]["support"]


def test_the_kinds_of_measures_are_those_in_the_table_with_the_keys_that_they_need() -> None:
    shown = {names_in(row[0])[0]: tuple(names_in(row[1])) for row in MANUAL.table("`kind`", "keys", "value")}
    assert shown == {kind: needed for kind, (needed, _) in KINDS.items()}


def test_the_keys_of_a_measure_are_those_in_the_table() -> None:
    keys = {"kind"} | {key for needed, optional in KINDS.values() for key in (*needed, *optional)}
    shown = {name: row[1] for row in MANUAL.table("key of a measure", "") for name in names_in(row[0])}
    assert set(shown) == keys
    for key in ("times", "per"):
        told = {name for name in names_in(shown[key]) if name in KINDS}
        assert told == {kind for kind, (_, optional) in KINDS.items() if key in optional}


def test_the_bounds_of_a_balance_are_the_default_ones() -> None:
    (value,) = [row[2] for row in MANUAL.table("`kind`", "keys", "value") if row[0] == "`balance`"]
    assert re.findall(r"`(\w+)` \((\d+)\)", value) == [("high", str(HIGH)), ("low", str(LOW))]


def test_the_policies_that_come_with_the_package_are_those_in_the_table() -> None:
    parts = MANUAL.table("`engagement policy show`", "")
    companies = MANUAL.table("`engagement policy show`", "a company that", "reads")
    shown = [names_in(row[0])[0] for row in (*parts, *companies)]
    assert sorted(shown) == list(shipped_policies())


def test_the_feeds_of_a_company_are_those_of_its_policy() -> None:
    for name, _, feeds in MANUAL.table("`engagement policy show`", "a company that", "reads"):
        sources = tomllib.loads(shipped_policy(names_in(name)[0]))["sources"].values()
        told = feeds.lower().replace("amazon ", "")
        assert [source["format"] for source in sources if source["format"] not in told] == []


def test_the_measures_shown_are_those_of_policies_that_come_with_the_package() -> None:
    blocks = [tomllib.loads(block) for block in page("reference/measures").blocks("toml")]
    shown = {
        "channels": blocks[0]["channels"],
        "measures": {name: table for block in blocks for name, table in block["measures"].items()},
    }
    shipped = [tomllib.loads(shipped_policy(name)) for name in shipped_policies()]
    for name, table in shown["measures"].items():
        declared = [document["measures"][name] for document in shipped if name in document["measures"]]
        assert any(found == {**found, **table} for found in declared), name
    (web,) = [each["channels"]["clickstream"] for each in shipped if "clickstream" in each["channels"]]
    assert web == {**web, **shown["channels"]["clickstream"]}
