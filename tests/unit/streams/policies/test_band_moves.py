"""Who would move between bands by another policy, where segments have rules of their own."""

from __future__ import annotations

from scoring.points import POINT
from scoring.policy.policy import Policy
from streams.policies.band_moves import BandMoves
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from tests.unit.scoring.customers import POLICY, policy_with
from tests.unit.scoring.rules.test_segments import SEGMENTS, customer, profile


def fields(segment: str) -> dict[str, str]:
    """Give what is stored of a customer with six posts in a segment."""
    anna = customer()
    anna.judge("01 08:00", profile(segment, "01 08:00"))
    anna.do("post", "01 09:00", 6)
    flat, _ = encode(anna.policy, CustomerRecord(anna.state), "v1")
    return dict(zip(flat[::2], flat[1::2], strict=True))


def moved(old: Policy, new: Policy, segment: str) -> tuple[int, int, int, int]:
    """Give scores in points and bands of that customer by two policies."""
    moves = BandMoves(old, new, 5)
    moves.add("anna", fields(segment))
    [(bands, _)] = moves.matrix.items()
    scores = [(move.score // POINT, move.new_score // POINT) for move in moves.largest] or [(0, 0)]
    return (*scores[0], *bands)


def test_each_customer_is_judged_by_the_segment_that_is_stored() -> None:
    segmented = policy_with(text=SEGMENTS)
    dearer = policy_with(text=SEGMENTS.replace("post = 4", "post = 6"))

    assert moved(segmented, dearer, "large") == (24, 36, 2, 3)
    assert moved(segmented, dearer, "strict") == (0, 0, 1, 1)


def test_one_of_the_policies_may_know_no_segments() -> None:
    plain, segmented = policy_with(text=POLICY), policy_with(text=SEGMENTS)

    assert moved(plain, segmented, "large") == (12, 24, 2, 2)
    assert moved(segmented, plain, "large") == (24, 12, 2, 2)


def test_one_who_cannot_be_read_is_left_out_and_counted() -> None:
    policy = policy_with(text=SEGMENTS)
    moves = BandMoves(policy, policy, 5)
    moves.add("anna", fields("large") | {"_s": "nonsense"})
    moves.add("ben", fields("large"))
    assert (moves.customers, moves.unreadable) == (1, 1)
