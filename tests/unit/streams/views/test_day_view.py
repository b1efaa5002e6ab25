"""Funnels as `engagement kpi` tells them: for machines by the day, for a person as of the last one."""

from __future__ import annotations

from rich.console import Console

from scoring.figures.channel_figures import ChannelFigure
from scoring.figures.funnel_figures import FunnelFigure
from scoring.figures.kpi import Sums
from scoring.instants import DAY
from scoring.points import POINT
from streams.policy_file.document import parse_policy
from streams.views.day_view import DaySums, channel_table, funnel_table, funnels_document
from tests.unit.scoring.customers import POLICY, at

FUNNELS = parse_policy(f'{POLICY}\n[funnels.checkout]\nsteps = ["web.view", ["web.buy", "social.post"]]\nwithin = "2d"')
LABELS = FUNNELS.figures.funnels[0].labels
FIRST = at("01 00:00") // DAY


def test_a_funnel_is_told_step_by_step_and_a_window_that_is_kept_no_more_is_null() -> None:
    figures = {"checkout": FunnelFigure((4, 1), (9, 3))}
    assert funnels_document(FUNNELS, figures) == {
        "checkout": [
            {"step": "web.view", "customers": 4, "in_window": 9},
            {"step": "web.buy or social.post", "customers": 1, "in_window": 3},
        ]
    }
    [first, _] = (funnels_document(FUNNELS, {"checkout": FunnelFigure((4, 1), None)}) or {})["checkout"]
    assert first == {"step": "web.view", "customers": 4, "in_window": None}


def test_for_a_person_each_step_has_its_share_of_the_first() -> None:
    console = Console(width=100)
    with console.capture() as shown:
        console.print(funnel_table(FUNNELS.figures.funnels[0], FunnelFigure((4, 1), (0, 0))))
    rows = [line.split() for line in shown.get().splitlines()]
    assert rows[1] == ["web.view", "4", "100.0", "%", "0", "-"]
    assert rows[2] == ["web.buy", "or", "social.post", "1", "25.0", "%", "0", "-"]


def test_channels_share_what_they_bring_and_one_that_takes_points_away_has_no_share() -> None:
    points = {"web": 90 * POINT, "email": -50 * POINT, "social": 10 * POINT}
    figures = {name: ChannelFigure(each, {"daily_active": 1}) for name, each in points.items()}
    console = Console(width=100)
    with console.capture() as shown:
        console.print(channel_table(figures, points))
    rows = [line.split()[:3] for line in shown.get().splitlines()[1:]]
    assert rows == [["web", "90", "90.0"], ["email", "-50", "-"], ["social", "10", "10.0"]]


def test_days_of_which_nothing_is_kept_any_more_have_no_funnels() -> None:
    sums = DaySums(FUNNELS, {}, at("01 00:00") + FUNNELS.keep_figures)
    days = [document["funnels"] for document in sums.documents(Sums({}), FIRST - 1, FIRST)]
    assert days[0] is None
    assert days[1] == {"checkout": [{"step": step, "customers": 0, "in_window": None} for step in LABELS]}
