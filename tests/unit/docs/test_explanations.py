"""The pages that explain: their pictures, tables and examples are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest

from scoring.customer.state import CustomerState
from scoring.events.event import EventReader
from scoring.instants import format_instant, parse_timestamp
from scoring.judging.alerts import message
from scoring.judging.moment import Moment
from scoring.judging.outcome import Outcome
from scoring.judging.score import disengages_at
from scoring.judging.walk import advance
from scoring.points import rounded
from scoring.policy.policy import BANDS, Policy
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.document import builtin_policy, parse_policy
from tests.faults.worker_that_dies import STEPS
from tests.unit.docs.reading import ROOT, Document, names_in

PAGES = ROOT / "docs" / "explanation"
ARCHITECTURE = Document(PAGES / "architecture.md")
SCORE = Document(PAGES / "the-score.md")
EXACTLY_ONCE = Document(PAGES / "exactly-once.md")
WAY = ARCHITECTURE.table("step", "what happens", "where", "by", "form of the data")
FEATURES = ARCHITECTURE.table("feature", "own files", "joins at", "in")
#: What the example of the score calls events, by channel.
EVENTS = {
    "page view": ("clickstream", "page_view"),
    "purchase": ("clickstream", "purchase"),
    "click in a letter": ("email", "click"),
    "post shared": ("social", "share"),
}


def drawn(document: Document) -> str:
    (tree,) = [block for block in document.blocks("") if block.startswith("scoring/")]
    return tree


def code_of(files: Iterable[str]) -> str:
    return "".join((ROOT / name).read_text(encoding="utf-8") for name in files)


def test_the_picture_of_the_rooms_is_the_one_that_is_held_against_the_contracts() -> None:
    assert drawn(ARCHITECTURE) == drawn(Document(ROOT / "CONTRIBUTING.md"))


def test_every_file_that_the_architecture_names_is_there() -> None:
    named = re.findall(r"`((?:scoring|streams|tests)/[\w/.]*)`", ARCHITECTURE.prose)

    assert named
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_steps_of_the_way_are_numbered_and_each_is_done_by_what_stands_in_its_files() -> None:
    assert [row[0] for row in WAY] == [str(number) for number in range(1, len(WAY) + 1)]
    for row in WAY:
        code = code_of(names_in(row[2]))
        for name in names_in(row[3]):
            assert re.search(rf"\b(def|class|function) {name}\b", code), (row[0], name)


def test_features_join_where_the_table_says() -> None:
    for feature, own, joins, places in FEATURES:
        files = names_in(places)
        assert names_in(own), feature
        for name in names_in(joins):
            assert re.search(rf"\b{name}\b", code_of(files)), (feature, name)
        for file in files:
            assert any(re.search(rf"\b{name}\b", code_of([file])) for name in names_in(joins)), (feature, file)


def test_the_bands_are_those_of_the_built_in_policy() -> None:
    bounds = [str(rounded(bound)).removesuffix(".0") for bound in builtin_policy().bounds]
    shown = [(names_in(band)[0], bound) for band, bound in SCORE.table("band", "from")]

    assert shown == list(zip(reversed(BANDS), [*reversed(bounds), "below 0"], strict=True))


def evaluate(policy: Policy, state: CustomerState, at: str, happens: str) -> Outcome:
    """Take what a line of the example says, and judge as of its time."""
    now, events = parse_timestamp(at), []
    for words, (channel, kind) in EVENTS.items():
        if words in happens:
            count = int("".join(re.findall(r"^\d+", happens)) or 1)
            reader = EventReader(next(found for found in policy.channels if found.name == channel))
            _, event = reader.read({"customer_id": "maria", "type": kind, "timestamp": at}, latest=now)
            events += [event] * count
    return advance(policy, state, events, Moment(now))


def example(policy: Policy, until: str = "9") -> Iterator[tuple[list[str], CustomerState, Outcome]]:
    state = CustomerState()
    for row in SCORE.table("at", "what happens", "points", "score", "band"):
        if row[0] < until:
            yield row, state, evaluate(policy, state, row[0], row[1])


def test_the_example_by_hand_is_what_the_core_computes() -> None:
    before, alerts = 0.0, []
    policy = builtin_policy()
    for (at, _, points, score, band), state, outcome in example(policy):
        assert (rounded(state.score), f"`{BANDS[state.band]}`") == (float(score), band), at
        assert float(points) == float(score) - before, at
        before = float(score)
        told = [message("maria", transition, state.judged, policy.version) for transition in outcome.transitions]
        alerts += [(one["occurred_at"], one["kind"], one["severity"]) for one in told if "kind" in one]
        if at.startswith("2026-03-12"):
            assert f"is {format_instant(disengages_at(policy, state))} from March 12th" in SCORE.words

    assert alerts == [("2026-04-01T00:00:00Z", "churn_risk", "warning")]


def test_the_example_of_the_half_life_is_what_the_core_computes() -> None:
    policy = parse_policy(BUILTIN_POLICY.replace("[bands]", 'half_life = "14d"\n\n[bands]'))
    *_, (_, state, _) = example(policy, until="2026-03-16")
    evaluate(policy, state, "2026-03-16T00:00:00Z", "")
    rows = SCORE.table("pane", "points", "age in days", "times", "faded")

    for pane, points, age, times, faded in rows:
        day = parse_timestamp(f"{pane}T00:00:00Z") // policy.pane
        assert state.pane_points[day] == int(points) * 10**6
        assert float(times) == pytest.approx(policy.factor(int(age)), abs=5e-5)
        assert day == state.pane - int(age)
        assert float(faded) == round(int(points) * policy.factor(int(age)), 2)
    assert f"Together {rounded(state.score)};" in SCORE.words


def test_the_table_of_kills_has_every_step_at_which_the_fault_suite_kills() -> None:
    rows = EXACTLY_ONCE.table("killed", "is in Redis", "is in Kafka", "what the next worker does")

    assert tuple(row[0] for row in rows) == STEPS
