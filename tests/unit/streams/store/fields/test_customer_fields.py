"""The table of a customer's fields: each comes back as written, is compared, taken over by a link, and documented."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from scoring.customer.state import CustomerState
from scoring.policy.policy import RESERVED_NAMES
from streams.rebuild.customer_comparison import Comparison
from streams.settings.settings import Settings
from streams.store.fields.customer_field import CustomerField, Facts, Known
from streams.store.fields.customer_fields import BY_MARK, FIELDS
from streams.store.fields.customer_reading import decode
from streams.store.protocol import CustomerRecord
from streams.store.redis.replacing import View
from tests.unit.docs.reading import names_in, page
from tests.unit.streams.store.fields.whole import POLICY, linked, whole, written

#: What a state has beside what is stored: computed from it, or what has changed since.
DERIVED = {
    *(
        "pane",
        "score",
        "channel_points",
        "pane_points",
        "touched_panes",
        "tallied",
        "tallied_visits",
        "grouped",
        "ended_before",
        "dropped",
        "touched_visits",
        "new_panes",
    ),
    *("score_before_policy", "segment_changed"),
}
NAMES = [field.mark or field.public[0] if field.mark or field.public else "measures" for field in FIELDS]
EACH = pytest.mark.parametrize("field", FIELDS, ids=NAMES)


def facts(field: CustomerField, state: CustomerState) -> Facts:
    """Give all that a field says of a customer."""
    found = field.published(POLICY, state) | field.facts(POLICY, state, Known())
    return found | field.history(POLICY, state)


def parts(field: CustomerField, stored: dict[str, str]) -> set[str]:
    """Name what a field has in a hash."""
    return {name for name in stored if (field.mark and name.startswith(field.mark)) or name in field.public}


def test_every_attribute_of_a_customer_is_in_the_table_or_derived() -> None:
    stored = [name for field in FIELDS for name in field.attributes]

    assert len(stored) == len(set(stored))
    assert {*stored, *DERIVED} == {each.name for each in fields(CustomerState)}
    assert not DERIVED & set(stored)


def test_marks_and_names_stand_once() -> None:
    marks, names = [field.mark for field in FIELDS if field.mark], [name for field in FIELDS for name in field.public]

    assert len(marks) == len(set(marks)) == len(BY_MARK)
    assert len(names) == len(set(names))
    assert set(names) == RESERVED_NAMES | {"segment"}


@EACH
def test_a_customer_with_everything_has_the_field(field: CustomerField) -> None:
    unlike = CustomerState()
    state = whole()
    if field.mark != "_l":
        assert parts(field, written(CustomerRecord(state))) or not (field.mark or field.public)
    for name in field.attributes:
        assert getattr(state, name) != getattr(unlike, name), name


@EACH
def test_the_field_comes_back_as_it_was_written(field: CustomerField) -> None:
    state = whole()
    stored = written(CustomerRecord(state))
    again = decode(POLICY, stored)

    assert facts(field, again.state) == facts(field, state)
    rewritten = written(again)
    assert {name: rewritten[name] for name in parts(field, rewritten)} == {
        name: stored[name] for name in parts(field, rewritten)
    }


@EACH
def test_a_rebuild_sees_that_the_field_differs_or_the_table_says_why_not(field: CustomerField) -> None:
    stored = written(CustomerRecord(whole()))
    lost = {name: words for name, words in stored.items() if name not in parts(field, stored)}
    comparison = Comparison(Settings(POLICY, clock="stream"), decode(POLICY, stored).state.judged, whole_history=True)
    live, rebuilt = (View(each, {}, None, None) for each in (lost, stored))
    same = comparison.differences(rebuilt, rebuilt)

    if field.not_compared:
        assert not facts(field, whole())
    elif parts(field, stored):
        assert comparison.differences(live, rebuilt) != same
    else:
        assert comparison.differences(replace(live, fields={**stored, "posts": "7"}), rebuilt) != same


@EACH
def test_an_id_that_is_linked_brings_the_field_along(field: CustomerField) -> None:
    alone, taken_over = linked()

    assert facts(field, taken_over) == facts(field, alone)


def test_the_page_has_the_internal_fields_of_the_table() -> None:
    documented = page("reference/redis-fields").table("field", "content", "compared by a rebuild")

    assert documented == [
        [f"`{field.mark}`", field.content, f"no: {field.not_compared}" if field.not_compared else "yes"]
        for field in FIELDS
        if field.mark
    ]


def test_the_page_has_the_public_fields_of_the_table() -> None:
    assert {name for field in FIELDS for name in field.public} <= set(names_in(page("reference/redis-fields").prose))
