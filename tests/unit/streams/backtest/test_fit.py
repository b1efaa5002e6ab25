"""`engagement policy fit` on a population whose answer is known, and the arithmetic under it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.backtest.observations import CutOff
from scoring.backtest.population import Population
from scoring.events.event import Event
from scoring.points import POINT
from scoring.policy.policy import Policy
from streams.backtest.fitting.counts import CountCollector, Shape
from streams.backtest.fitting.regression import fit_weights
from streams.backtest.fitting.writing import FittedType, shares, threshold, write_policy, write_weights, written
from streams.cli.main import engagement
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.document import builtin_policy, parse_policy
from tests.property.lives import START
from tests.unit.docs.test_policies import without_order
from tests.unit.streams.backtest.population import made_up

DAY = 86_400 * 10**6


def fit(folder: Path, *options: str, decline: int = 10, policy_change: tuple[str, str] = ("", "")) -> Result:
    policy, events, outcomes = made_up(folder, decline=decline)
    policy.write_text(policy.read_text().replace(*policy_change))
    words = [
        "policy",
        "fit",
        str(events),
        str(outcomes),
        "--policy",
        str(policy),
        "--day",
        "15",
        "--day",
        "19",
        *options,
    ]
    return CliRunner().invoke(engagement, words, env={"COLUMNS": "140"}, catch_exceptions=False)


def test_what_tells_who_leaves_gets_the_weight_and_noise_gets_next_to_none(tmp_path: Path) -> None:
    result = fit(tmp_path)
    assert result.exit_code == 0, result.stderr
    proposed = parse_policy(result.stdout)
    weights = {kind.name: kind.weight for kind in proposed.types.values()}
    assert weights["work"] > 0
    assert weights["noise"] < weights["work"] / 5
    assert proposed.version == "fitted-1"
    (share,) = [line.split() for line in result.stderr.splitlines() if line.startswith("work ")]
    assert float(share[-1].removesuffix("%")) > 80
    (auc,) = [line for line in result.stderr.splitlines() if line.startswith("AUC of customers not learned from")]
    assert float(auc.split()[-1]) > 0.95


def test_a_weight_keeps_its_sign_whatever_the_history_says(tmp_path: Path) -> None:
    # Here work is a sign of staying. A policy that knows better says that it speaks against.
    result = fit(tmp_path, "--keep-window", policy_change=("work = 1", "work = -1"))
    assert result.exit_code == 0, result.stderr
    assert all(kind.weight <= 0 for kind in parse_policy(result.stdout).types.values() if kind.name == "work")


def test_the_window_is_kept_if_asked_and_the_policy_is_accepted_by_check(tmp_path: Path) -> None:
    output = tmp_path / "fitted.toml"
    result = fit(tmp_path, "--keep-window", "--name", "mine-2", "--output", str(output))
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    checked = CliRunner().invoke(engagement, ["policy", "check", str(output)], env={"COLUMNS": "140"})
    assert checked.exit_code == 0
    assert "mine-2" in checked.stdout
    assert "10d in 10 panes of 1d" in checked.stdout


def test_types_that_the_policy_does_not_name_are_learned_of_and_rare_ones_left_out(tmp_path: Path) -> None:
    policy, events, outcomes = made_up(tmp_path, decline=10)
    policy.write_text(policy.read_text().replace("work = 1, ", ""))
    first = events.read_text().splitlines()[0]
    events.write_text(first.replace('"work"', '"rare"').replace('"noise"', '"rare"') + "\n" + events.read_text())
    words = ["policy", "fit", str(events), str(outcomes), "--policy", str(policy), "--day", "15"]
    words += ["--keep-window"]
    result = CliRunner().invoke(engagement, words, env={"COLUMNS": "140"}, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    weights = {kind.name: kind.weight for kind in parse_policy(result.stdout).types.values()}
    assert weights["work"] > 0
    assert "rare" not in weights
    assert "too rare to learn from: web.rare" in result.stderr


def test_points_for_a_number_stay_as_they_are_and_get_no_weight(tmp_path: Path) -> None:
    points = '[channels.web.points.work]\nproperty = "amount"\npoints = 2\nper = 10\n'
    result = fit(tmp_path, "--keep-window", policy_change=("[channels.web]", f"{points}[channels.web]"))
    (channel,) = parse_policy(result.stdout).channels
    assert sorted(kind.name for kind in channel.types) == ["noise", "work"]
    assert [(number.name, number.weight) for number in channel.numbers] == [("work.amount", 2 * POINT)]


def test_too_little_to_learn_from_is_refused(tmp_path: Path) -> None:
    policy, events, outcomes = made_up(tmp_path, customers=20)
    words = ["policy", "fit", str(events), str(outcomes), "--policy", str(policy), "--day", "15"]
    result = CliRunner().invoke(engagement, words)
    assert result.exit_code == 1
    assert "too little to learn from: 10 of 20 times it came about" in result.stderr


def test_without_scipy_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("streams.backtest.fitting")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    result = fit(tmp_path)
    assert result.exit_code == 1
    assert "pip install 'engagement-streams[validate]'" in result.stderr


# --- The arithmetic --------------------------------------------------------------------------------------------------

_EVENTS = st.lists(
    st.tuples(st.integers(0, 40 * 24), st.sampled_from(["view", "buy", "leave"])), min_size=1, max_size=60
)


@given(_EVENTS, st.sampled_from([1, 2, 3]), st.integers(1, 5), st.sampled_from([0, 2, 5]), st.sampled_from([0, 1, 2]))
@settings(max_examples=150, deadline=None)
def test_the_features_times_the_weights_are_the_products_own_score(
    events: list[tuple[int, str]], pane: int, panes: int, half_life: int, cap: int
) -> None:
    weights = {"view": 1.5, "buy": 4, "leave": -3}
    capped = f"cap = {{ view = {cap}, leave = {cap} }}" if cap else ""
    text = f'[window]\nlength = "{panes * pane}d"\npane = "{pane}d"\nhalf_life = "{half_life}d"\n'
    text += f"[channels.web]\n{capped}\n"
    text += "weights = { view = 1.5, buy = 4, leave = -3 }\n"
    counting = '[window]\nlength = "20d"\npane = "1d"\n[channels.web]\nweights = { view = 1, buy = 1, leave = 1 }\n'
    judging, collecting = parse_policy(text), parse_policy(counting)
    collector = CountCollector(collecting)
    moments = {"anna": [CutOff(START + day * DAY, day) for day in (3, 11, 25, 40)]}
    for policy, look in ((judging, None), (collecting, collector.look)):
        population = Population(policy, moments, look)
        codes = {kind.name: kind.code for kind in policy.types.values()}
        for hour, kind in sorted(events):
            population.add("web", "anna", Event(START + hour * DAY // 24, codes[kind], ""))
        (anna,) = population.finish()
        if policy is judging:
            scores = [seen.score for seen in anna.observations]
    order = [kind.name for kind in collector.types]
    shape = Shape(pane, panes * pane, half_life, tuple(0 if name == "buy" else cap for name in order))

    features = collector.counts().features(shape)

    points = features @ np.array([weights[name] for name in order]) * POINT
    assert points.tolist() == pytest.approx(scores, abs=1)


def test_signs_are_kept_and_what_never_varies_has_no_weight() -> None:
    chance = np.random.default_rng(3)
    features = np.column_stack([chance.normal(size=(400, 2)), np.ones(400)])
    happened = chance.random(400) < 1 / (1 + np.exp(2 * features[:, 0] - features[:, 1]))
    strata = np.zeros(400, np.int64)

    free = fit_weights(features, happened, strata, (0, 0, 0), 1e-4)
    positive = fit_weights(features, happened, strata, (1, 1, 1), 1e-4)
    negative = fit_weights(features, happened, strata, (-1, -1, -1), 1e-4)

    assert free[0] == pytest.approx(2, abs=0.5)
    assert free[1] == pytest.approx(-1, abs=0.4)
    assert free[2] == 0
    assert positive[0] > 1.5
    assert positive[1] == 0
    assert negative[0] == 0
    assert abs(fit_weights(features, happened, strata, (0, 0, 0), 1.0)[0]) < abs(free[0]) / 2


def test_strata_differ_without_their_difference_being_learned() -> None:
    # In one stratum all is high and everybody leaves more often: within each, the feature speaks against leaving.
    features = np.array([[1.0], [2.0], [1.0], [2.0], [11.0], [12.0], [11.0], [12.0]])
    happened = np.array([True, False, False, False, True, True, True, False])
    strata = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    assert fit_weights(features, happened, strata, (0,), 1e-4)[0] > 0
    assert fit_weights(features, happened, np.zeros(8, np.int64), (0,), 1e-4)[0] < 0


@given(st.floats(1e-6, 1e6), st.sampled_from([1, -1]))
def test_a_written_weight_is_short_and_near(weight: float, sign: int) -> None:
    found = written(weight * sign)
    assert found * sign > 0
    assert 0.79 < found * sign / weight < 1.26
    assert len(f"{abs(found):e}".rstrip("0").partition("e")[0].replace(".", "").rstrip("0")) <= 2


def test_the_line_is_drawn_where_it_parts_the_most() -> None:
    scores = np.array([1.0, 2.0, 3.0, 4.0, 4.0, 9.0])
    assert threshold(scores, np.array([True, True, True, False, False, False])) == 4.0
    assert threshold(scores, np.array([True, False, True, False, False, False])) == 4.0


def test_the_shares_add_up_and_follow_the_points_that_move() -> None:
    features = np.array([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0]])
    assert shares(features, np.array([2.0, 7.0]), np.zeros(3, np.int64)).tolist() == [1.0, 0.0]


def test_what_adds_next_to_nothing_has_no_weight_and_what_takes_away_keeps_its_own() -> None:
    kinds = list(builtin_policy().types.values())[:3]
    parts = np.array([0.999, 0.0005, 0.0005])
    found = write_weights(kinds, np.array([1.04, 0.2, -3.1]), (0, 0, 2), parts, 10.0)
    assert [one.weight for one in found] == [10, 0, -30]
    assert [one.cap for one in found] == [0, 0, 2]


def test_a_policy_that_is_written_is_read_back(tmp_path: Path) -> None:
    base: Policy = builtin_policy()
    fitted = [
        FittedType(kind, 0.0, kind.weight / POINT, 0 if kind.cap > 10**6 else kind.cap, 0.0)
        for kind in base.types.values()
    ]
    window = {"length": base.length, "pane": base.pane, "half_life": base.half_life}
    text = write_policy(BUILTIN_POLICY, base.version, window, fitted, ["One.", "Two."])
    (tmp_path / "policy.toml").write_text(text)
    assert without_order(parse_policy(text)) == without_order(base)


def test_names_are_written_so_that_toml_takes_them() -> None:
    text = '[channels.web]\nweights = { "a \\"b\\\\ ü\\n" = 1 }\n'
    base = parse_policy(text)
    (kind,) = base.types.values()
    window = {"length": base.length, "pane": base.pane, "half_life": 0}
    text = write_policy(text, "x", window, [FittedType(kind, 1.0, 1.0, 3, 1.0)])
    (again,) = parse_policy(text).types.values()
    assert (again.name, again.weight, again.cap) == (kind.name, POINT, 3)
