"""What a policy file says of events that are paired by their object, and what is wrong with it."""

from __future__ import annotations

import pytest

from scoring.errors import PolicyError
from scoring.instants import HOUR, SECOND
from scoring.policy.channels import type_code
from scoring.rules.pairing import Duration, Gateway, Pairing, Retraction, duration_codes
from streams.policy_file import pairings
from streams.policy_file.document import parse_policy

CALLS = "[channels.calls]\nweights = { a = 1, b = 2, c = 0, d = 0 }\n"


def code(kind: str) -> str:
    """Give the stored code of a type."""
    return type_code("calls", kind)


def problems(rules: str) -> list[str]:
    """Parse a policy that must be refused."""
    with pytest.raises(PolicyError) as refused:
        parse_policy(CALLS + rules)
    return list(refused.value.problems)


def test_every_key_is_taken() -> None:
    [channel] = parse_policy(
        CALLS
        + """
        retracts = { c = ["b", "a"], d = "b" }
        retracts_key = "post"
        gateway = { a = { after = "b", within = "1h", key = "post" } }
        durations = { answer = { from = ["a", "b"], to = "c", key = "post" } }
        """
    ).channels
    assert channel.pairings == (
        Pairing(
            "post",
            (code("a"), code("b"), code("c"), code("d")),
            (Retraction(code("c"), (code("b"), code("a"))), Retraction(code("d"), (code("b"),))),
            (Gateway(code("a"), code("b"), HOUR, "gateway_a", code("gateway_a")),),
            (Duration("answer", (code("a"), code("b")), (code("c"),), *duration_codes("calls", "answer")),),
        ),
    )
    assert {kind.object_property for kind in channel.types} == {"post"}


def test_what_is_left_out_takes_the_default() -> None:
    [channel] = parse_policy(CALLS + 'retracts = { b = "a" }\ngateway = { c = { after = "d" } }').channels
    assert [(pairing.key, pairing.codes) for pairing in channel.pairings] == [
        ("object_id", (code("a"), code("b"))),
        ("message_id", (code("c"), code("d"))),
    ]
    assert channel.pairings[1].reach == channel.pairings[1].gateways[0].within == 10 * SECOND
    assert [kind.object_property for kind in channel.types] == ["object_id"] * 2 + ["message_id"] * 2


def test_a_policy_knows_its_pairings_by_the_type_and_how_far_back_they_reach() -> None:
    rules = 'retracts = { b = "a" }\ngateway = { c = { after = "d", within = "1m" } }'
    policy = parse_policy(CALLS + rules)
    assert {kind: pairing.key for kind, pairing in policy.paired.items()} == {
        **dict.fromkeys([code("a"), code("b")], "object_id"),
        **dict.fromkeys([code("c"), code("d")], "message_id"),
    }
    assert policy.objects_kept == 60 * SECOND
    assert (parse_policy(CALLS).paired, parse_policy(CALLS).objects_kept) == ({}, 0)
    assert parse_policy(CALLS).channels[0].types[0].object_property == ""


WHERE = "channels.calls."
TIMED = '{ from = "ticket", to = "reply", key = "ticket_id" }'
UNNAMED = "there is no weight for 'x' in channels.calls.weights; 0 will do"


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ("retracts = 3", 'retracts: must be a table such as { unlike = "like" }'),
        ('retracts = { x = "a" }', f"retracts.x: {UNNAMED}"),
        ('retracts = { b = "x" }', f"retracts.b: {UNNAMED}"),
        ('retracts = { b = ["a", "x"] }', f"retracts.b: {UNNAMED}"),
        ("retracts = { b = [] }", "retracts.b: [] is neither a type nor a list of types"),
        ("retracts = { b = 3 }", "retracts.b: 3 is neither a type nor a list of types"),
        ("retracts = { b = [3] }", "retracts.b: [3] is neither a type nor a list of types"),
        ('retracts = { b = ["a", "b"] }', "retracts.b: a type cannot take back itself"),
        (
            'retracts = { c = "b", b = "a" }',
            "retracts.b: another type takes b back; what is taken back cannot take back",
        ),
        ('retracts_key = "post"', "retracts_key: there is no channels.calls.retracts"),
        ('retracts = { b = "a" }\nretracts_key = ""', "retracts_key: '' is not the name of a property"),
        ('retracts = { b = "a" }\nretracts_key = 3', "retracts_key: 3 is not the name of a property"),
        ("gateway = 3", 'gateway: must be a table such as { click = { after = "delivered", within = "10s" } }'),
        (
            "gateway = { a = 3 }",
            'gateway.a: must be a table such as { click = { after = "delivered", within = "10s" } }',
        ),
        ('gateway = { x = { after = "a" } }', f"gateway.x: {UNNAMED}"),
        ('gateway = { a = { after = "x" } }', f"gateway.a.after: {UNNAMED}"),
        ('gateway = { a = { after = "a" } }', "gateway.a.after: a type cannot be its own"),
        (
            'gateway = { a = { after = "b", within = "soon" } }',
            "gateway.a.within: 'soon' is not a duration such as 10s or 500ms, of at most 1d",
        ),
        (
            'gateway = { a = { after = "b", within = "0s" } }',
            "gateway.a.within: '0s' is not a duration such as 10s or 500ms, of at most 1d",
        ),
        (
            'gateway = { a = { after = "b", within = "25h" } }',
            "gateway.a.within: '25h' is not a duration such as 10s or 500ms, of at most 1d",
        ),
        (
            'gateway = { a = { after = "b", before = "c" } }',
            "gateway.a.before: unknown key; allowed here: after, within, key",
        ),
        (
            "durations = 3",
            f"durations: must be a table such as {{ first_response = {TIMED} }}",
        ),
        (
            'durations = { n = { from = "a", to = "b" } }',
            "durations.n.key: is missing: the property that names the object of both",
        ),
        ('durations = { n = { from = "a", to = "x", key = "k" } }', f"durations.n.to: {UNNAMED}"),
        (
            'durations = { n = { to = "b", key = "k" } }',
            "durations.n.from: is missing: the type of the first event, or a list of types",
        ),
        ('durations = { n = { from = "a", to = ["b", "a"], key = "k" } }', "durations.n: a stands in from and in to"),
        (
            'durations = { N = { from = "a", to = "b", key = "k" } }',
            "durations.N: a name is 1 to 32 characters out of a-z 0-9 _, a letter first",
        ),
        (
            'durations = { n = { from = "a", to = "b", key = "k", unit = "s" } }',
            "durations.n.unit: unknown key; allowed here: from, to, key",
        ),
        (
            'retracts = { b = "a" }\ngateway = { c = { after = "b" } }',
            "gateway.c: pairs b by 'message_id', but channels.calls.retracts.b by 'object_id'; a type has one key only",
        ),
    ],
)
def test_what_is_wrong_is_told_with_what_is_allowed(rules: str, problem: str) -> None:
    assert [found for found in problems(rules) if WHERE + problem == found], problems(rules)
    assert len(problems(rules)) == len([found for found in problems(rules) if found.startswith(WHERE)])


def test_types_that_take_each_other_back_are_refused() -> None:
    why = "another type takes {} back; what is taken back cannot take back"
    assert problems('retracts = { a = "b", b = "a" }') == [
        f"{WHERE}retracts.{kind}: {why.format(kind)}" for kind in ("a", "b")
    ]


def test_what_is_counted_apart_cannot_share_a_stored_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairings, "type_code", lambda *_: code("c"))
    assert problems('gateway = { a = { after = "b" } }') == [
        "calls.gateway_a and calls.c have the same stored code; rename one"
    ]


def test_what_is_counted_apart_may_have_a_weight() -> None:
    text = CALLS.replace("a = 1", "a = 1, gateway_a = 0.5") + 'gateway = { a = { after = "b" } }'
    assert code("gateway_a") in parse_policy(text).types
