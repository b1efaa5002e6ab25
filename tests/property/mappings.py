"""Random sources and random records, and what two readings of the rules make of them."""

from __future__ import annotations

import copy
import json
from typing import Any

import orjson
from hypothesis import strategies as st

from scoring.mapping.mapping import Mapping
from scoring.mapping.outcomes import Bad, LeftOut, MappedEvent, MappedLink, Outcome
from scoring.mapping.source import Source
from streams.policy_file.sources import read_source
from tests.reference.mappings import Table, read_record

NAMES = ("a", "b", "c-d", "$e", "x.y", "list", "in")
TEXTS = (
    "",
    "1",
    "24.5",
    "true",
    "Maria@X.net",
    "click",
    "2026-11-06 00:02:14.841",
    "2026-11-06T00:02:14Z",
    "é",
    "1790000000",
)
LATEST = 10**20

scalars = st.sampled_from([None, True, False, 0, 1, 5, 1.5, 1_790_000_000, 1_790_000_000_000, 2**63, -1, *TEXTS])
written = st.sampled_from(['{"a": 1, "list": [{"a": "click"}]}', '["x"]', "{", "5", '{"b": {"a": "m"}}'])
values = st.recursive(
    scalars | written,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=6)
records = (
    objects
    | st.lists(objects, max_size=3)
    | st.fixed_dictionaries({"list": st.lists(objects | scalars, max_size=3), "a": values})
)

keys = st.sampled_from(["a", "b", "c-d", "$e", '"x.y"', "list", "in"])
brackets = st.sampled_from(["", "", "", "[0]", "[1]", "[a=click]", "[b.a=1]", "[a=true]"])
plain = st.lists(st.builds(lambda key, bracket: key + bracket, keys, brackets), min_size=1, max_size=3).map(".".join)
starts = st.sampled_from(["", "", "", "", "$.", "^.", "^.^.", "@."])
paths = st.builds(lambda start, path: start + path, starts, plain) | st.just("@")
templates = st.builds(
    lambda before, parts, separator, behind: before + separator.join(f"{{{part}}}" for part in parts) + behind,
    st.sampled_from(["", "p:"]),
    st.lists(paths, min_size=1, max_size=3),
    st.sampled_from([":", "/", "-x-"]),
    st.sampled_from(["", "!"]),
)
constants = st.sampled_from([{"is": "click"}, {"is": 5}, {"is": "Maria@X.net"}])
simple = paths | templates | constants
convertible = st.builds(lambda path, kind: {"path": path, "as": kind}, paths, st.sampled_from(["number", "boolean"]))
any_value = simple | st.lists(simple, min_size=1, max_size=3)
scalar = scalars.filter(lambda value: value is not None)
bounds = st.integers(-1, 6) | st.floats(-2, 6)
tests = (
    scalar
    | st.lists(scalar, min_size=1, max_size=3)
    | st.fixed_dictionaries({"equals": scalar})
    | st.fixed_dictionaries({"one_of": st.lists(scalar, min_size=1, max_size=3)}, optional={"present": st.booleans()})
    | st.fixed_dictionaries({"at_least": bounds})
    | st.fixed_dictionaries({"at_most": bounds}, optional={"starts_with": st.just("c")})
    | st.fixed_dictionaries({"starts_with": st.sampled_from(["c", "cl", "Maria", "1"])})
    | st.fixed_dictionaries({"contains": scalar.filter(lambda value: value != "")})
    | st.fixed_dictionaries({"present": st.booleans()})
    | st.fixed_dictionaries({"same_as": paths})
)
conditions = st.dictionaries(paths, tests, min_size=1, max_size=2)
links = st.fixed_dictionaries(
    {"id": any_value, "customer": any_value}, optional={"when": conditions, "unless": conditions}
)
each = st.lists(st.sampled_from(["[]", "list[]", "in.list[]", "[].list[]"]), min_size=1, max_size=2).filter(
    lambda ways: len({way.count("[]") for way in ways}) == 1
)
reading = {
    "when": conditions,
    "unless": conditions,
    "each": each,
    "id": any_value,
    "email_ids": st.just("lower"),
    "types": st.dictionaries(
        st.sampled_from(TEXTS[1:]), st.sampled_from(["view", "email.open", "other.kind"]), max_size=3
    ),
    "ignore": st.lists(st.sampled_from(TEXTS[1:]), max_size=1),
    "only_types": st.booleans(),
    "time_format": st.sampled_from(["auto", "s", "ms", "us", "utc"]),
    "properties": paths | st.dictionaries(st.sampled_from(["p", "q"]), any_value | convertible, min_size=1),
    "json": st.lists(st.sampled_from(["a", "b", "list"]), max_size=2, unique=True),
    "links": st.lists(links, max_size=1),
}
required = {"channel": st.just("clickstream"), "customer": any_value, "type": any_value, "time": any_value}
unwrap = st.lists(st.sampled_from(["in", "a", "b.a", "."]), min_size=1, max_size=2)
tables = st.fixed_dictionaries(required, optional={**reading, "unwrap": unwrap})


def certain(table: dict[str, Any]) -> dict[str, Any]:
    """Make a source say something of nearly every record: what it does not find is constant, and no condition holds."""
    constants = {"customer": "maria", "type": "click", "time": 1_790_000_000}
    lists = {key: value if isinstance(value, list) else [value] for key, value in table.items() if key in constants}
    named = {key: [*lists[key], {"is": constant}] for key, constant in constants.items()}
    return {key: value for key, value in table.items() if key not in ("when", "unless")} | named


likely = tables.map(certain)
several = st.builds(
    lambda table, readings: {**table, "events": readings},
    tables,
    st.lists(st.fixed_dictionaries({}, optional=reading), min_size=1, max_size=3),
)


def lines(outcomes: list[Outcome]) -> list[Table]:
    """Say what the product has found as the second reading does."""
    return [line(outcome) for outcome in outcomes]


def line(outcome: Outcome) -> Table:
    """Say what has become of a part."""
    if isinstance(outcome, MappedLink):
        return {"part": outcome.part, "link": [outcome.id, outcome.customer]}
    if isinstance(outcome, LeftOut):
        return {"part": outcome.part, "skipped": True}
    if isinstance(outcome, Bad):
        return {"part": outcome.part, "dead_letter": outcome.reason}
    assert isinstance(outcome, MappedEvent)
    said: Table = {"part": outcome.part, "customer_id": outcome.customer, "channel": outcome.channel}
    said |= {"type": outcome.type, "time": outcome.time}
    said |= {} if outcome.id is None else {"event_id": outcome.id}
    return said | ({} if outcome.properties is None else {"properties": outcome.properties})


def source_of(table: Table) -> Source:
    """Read a source that is right."""
    problems: list[str] = []
    source = read_source("web", table, ("clickstream", "email"), problems)
    assert problems == []
    assert source is not None
    return source


def compare(table: Table, record: Any) -> None:
    """Read a record twice."""
    found = Mapping(source_of(table), orjson.loads).read(copy.deepcopy(record), None, LATEST)
    wanted = read_record({"types": {}, **table}, copy.deepcopy(record))
    assert json.dumps(lines(found), sort_keys=True) == json.dumps(wanted, sort_keys=True)
