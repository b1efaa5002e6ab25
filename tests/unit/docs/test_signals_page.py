"""The page on signals against the code."""

import json
import tomllib

from scoring.customer.signals import Signal
from scoring.judging.alerts import message
from scoring.rules.signals import BAND, EVENT, FUNNEL, MEASURE, MOVE, SEVERITIES, WITHOUT, SignalRule
from streams.policy_file.document import parse_policy
from streams.policy_file.signal_tables import MODELS, SignalTable
from tests.unit.docs.reading import MANUAL, names_in, page

_CHANNELS = """
[channels.survey]
weights = { detractor = 0 }
[channels.clickstream]
weights = { add_to_cart = 1, purchase = 20 }
[channels.support]
weights = { ticket = 0, reply = 1, resolved = 0 }
[channels.app]
weights = { signup = 0 }
[measures.visits]
kind = "count"
of = ["clickstream"]
[funnels.checkout]
steps = ["clickstream.add_to_cart", "clickstream.purchase"]
within = "7d"
"""


def test_the_sample_has_the_fields_of_a_signal_in_their_order_and_the_table_explains_them() -> None:
    (sample,) = [found for found in map(json.loads, MANUAL.blocks("json")) if "signal_id" in found]
    signal = Signal("left_cart", "notice", 2, 0, 0, [], lasts=True, title="Cart left")
    assert list(sample) == list(message("maria.lopez", signal, 0, "shop-4"))
    explained = [name for row in MANUAL.table("field of a signal", "") for name in names_in(row[0])]
    assert sorted(explained) == sorted([*sample, "message", "closes", "segment"])


def test_the_examples_are_signals_of_every_kind() -> None:
    (example,) = [block for block in page("reference/signals").blocks("toml") if "[signals.left_cart]" in block]
    policy = parse_policy(f"{_CHANNELS}{example}")
    given = {key for table in tomllib.loads(example)["signals"].values() for key in table}
    assert set(MODELS) - {"leaves", "rises_by"} <= given
    assert {rule.kind for rule in policy.signals} == {EVENT, WITHOUT, BAND, MOVE, MEASURE, FUNNEL}


def test_the_keys_and_their_defaults_are_those_in_the_tables() -> None:
    rows = MANUAL.table("key", "raised", "ends")
    shown = {name for row in rows for name in names_in(row[0])}
    common = set(SignalTable.by_key())
    assert shown == {key for model in MODELS.values() for key in model.by_key()} - common - {"object"}
    defaults = {name: row[1] for row in MANUAL.table("key of any rule", "default", "") for name in names_in(row[0])}
    assert set(defaults) == common
    assert defaults["severity"] == f"`{SignalRule('a', 'event').severity}`"
    severities = next(row[2] for row in MANUAL.table("key of any rule", "default", "") if row[0] == "`severity`")
    assert tuple(names_in(severities)) == SEVERITIES
