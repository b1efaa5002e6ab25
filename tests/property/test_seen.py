"""The memory of event ids against a dictionary, with ids that look alike across their borders."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from scoring.customer.seen import DIGEST, SeenIds
from scoring.instants import DAY

_IDS = st.text("ab", min_size=3, max_size=3).map(lambda part: (part * DIGEST)[:DIGEST])
# What is done, with which id, and how many days after the step before.
_STEPS = st.lists(st.tuples(st.sampled_from(["add", "add", "add", "forget", "load"]), _IDS, st.integers(0, 1)))


@given(_STEPS, st.sampled_from([(0, 0), (0, 3), (100, 0)]), st.sampled_from([DIGEST, 3 * DIGEST]))
def test_an_id_is_known_from_when_it_came_until_its_day_is_forgotten(
    steps: list[tuple[str, str, int]], index: tuple[int, int], bucket: int
) -> None:
    known: dict[str, int] = {}
    seen = SeenIds()
    fewest, looks = index
    day = 0
    with (
        patch("scoring.customer.seen._INDEX_FROM", fewest),
        patch("scoring.customer.seen._INDEX_AFTER", looks),
        patch("scoring.customer.seen._BUCKET", bucket),
        patch("scoring.customer.seen._SMALL_CHUNKS", 2),
    ):
        for kind, digest, days in steps:
            day += days
            if kind == "add":
                assert seen.add(digest, day * DAY) is (digest not in known)
                known.setdefault(digest, day)
            elif kind == "forget":
                seen.forget(day * DAY)
                known = {each: of for each, of in known.items() if of >= day}
            else:
                seen = SeenIds(dict(seen.chunks))
            assert sorted(seen.entries()) == sorted(known.items())
            assert (digest in seen) is (digest in known)
