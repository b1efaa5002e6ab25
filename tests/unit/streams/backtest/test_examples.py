"""The examples with real data, on a few lines in the same shape."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from streams.cli.main import engagement
from tests.cdnow import history as cdnow
from tests.oulad import history as oulad
from tests.oulad import predict
from tests.unit.docs.reading import DEPLOY, MANUAL

CDNOW = os.environ.get("ENGAGEMENT_TEST_CDNOW", "")
DAILY = """run,id_student,day,activity_type,pages,clicks
BBB-2013J,1,0,homepage,1,4
BBB-2013J,1,0,forumng,2,5
BBB-2013B,2,-3,quiz,1,1
BBB-2013B,2,200,quiz,1,1
"""
ENDED = """run,id_student,registered_day,unregistered_day,final_result
BBB-2013J,1,-9,40,Withdrawn
BBB-2013B,2,-9,,Fail
BBB-2013B,3,-9,,Pass
"""
PURCHASES = """ 00004 0001 19970101  2   29.33
 00004 0001 19971001  1   29.73
 00021 0002 19970930  1   14.96
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Give a folder with files as OULAD's."""
    (tmp_path / "oulad-2013-daily.csv").write_text(DAILY)
    (tmp_path / "oulad-2013-outcomes.csv").write_text(ENDED)
    return tmp_path


def test_oulad_becomes_events_in_the_order_of_time_and_outcomes(data: Path) -> None:
    events, outcomes = oulad.write_history(data, data / "made")
    lines = [orjson.loads(line) for line in gzip.decompress(events.read_bytes()).splitlines()]
    assert [(line["customer_id"], line["channel"], line["type"], line["timestamp"]) for line in lines] == [
        ("BBB-2013B-2", "clickstream", "quiz", "2013-01-29T00:00:00Z"),
        ("BBB-2013B-2", "clickstream", "quiz", "2013-08-20T00:00:00Z"),
        ("BBB-2013J-1", "clickstream", "homepage", "2013-10-01T00:00:00Z"),
        ("BBB-2013J-1", "social", "forumng", "2013-10-01T12:00:00Z"),
    ]
    assert outcomes.read_text().split() == [
        "customer_id,run,start,until,churned,churned_at",
        "BBB-2013J-1,BBB-2013J,2013-10-01,2013-10-02,yes,2013-11-10",
        "BBB-2013B-2,BBB-2013B,2013-02-01,2013-08-21,yes,",
        "BBB-2013B-3,BBB-2013B,2013-02-01,2013-08-21,no,",
    ]


def test_the_marks_of_oulad_are_compared_with_what_validate_tells(data: Path) -> None:
    found = predict.figures(data, predict.POLICY, ("BBB-2013B",), 1)
    moments = found["moments"]
    assert [column["moment"] for column in moments] == [f"day {day}" for day in predict.MARKS] * 2
    auc = {"score": 0.72, "recency": 0.71, "events": 0.5}
    compared = {
        mark: [met for _, met in predict.lines({"moments": [column | {"auc": auc | {"recency": mark}}]})]
        for column in moments[:1]
        for mark in (0.71, 0.69)
    }
    assert compared == {0.71: [False], 0.69: [True]}


def test_cdnow_becomes_purchases_and_discs_and_who_bought_again(tmp_path: Path) -> None:
    path = tmp_path / "cdnow.txt"
    path.write_text(PURCHASES)
    events, outcomes = cdnow.write_history(path, tmp_path)
    lines = [orjson.loads(line) for line in events.read_bytes().splitlines()]
    assert [(line["customer_id"], line["type"]) for line in lines] == [
        *(("0001", kind) for kind in ("purchase", "cd", "cd")),
        *(("0002", kind) for kind in ("purchase", "cd")),
        *(("0001", kind) for kind in ("purchase", "cd")),
    ]
    assert outcomes.read_text().split() == ["customer_id,churned,until", "0001,no,1997-10-02", "0002,yes,1997-10-02"]


@pytest.mark.skipif(not CDNOW, reason="ENGAGEMENT_TEST_CDNOW names no file of purchases")
def test_the_pages_tell_of_cdnow_what_the_command_prints(tmp_path: Path) -> None:
    events, outcomes = cdnow.write_history(Path(CDNOW), tmp_path)
    policy = DEPLOY / "policies" / "cdnow.toml"
    arguments = ["validate", str(events), str(outcomes), "--policy", str(policy), "--at", "1997-10-01"]
    done = CliRunner().invoke(engagement, arguments)
    printed = re.search(r"1997-10-01 +2,357 +71% +(\S+) +(\S+) +(\S+)", done.stdout)
    shown = re.search(
        r"ranks with ([0-9.]+), recency with ([0-9.]+), the number of events with ([0-9.]+)", MANUAL.words
    )
    assert printed is not None
    assert shown is not None
    assert shown.groups() == printed.groups()
