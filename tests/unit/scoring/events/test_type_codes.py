"""The codes under which counts by type are stored."""

from __future__ import annotations

import re

import pytest

from scoring.events import event as events
from scoring.events.event import EventReader
from scoring.policy.channels import type_code
from streams.policy_file.document import builtin_policy


def test_a_code_is_four_characters_that_no_separator_is_made_of() -> None:
    codes = [type_code("email", f"kind {number}") for number in range(1000)]

    assert all(re.fullmatch(r"[A-Za-z0-9_-]{4}", code) for code in codes)
    assert len(set(codes)) > 990


def test_a_code_never_changes_as_it_is_stored() -> None:
    assert type_code("email", "open") == "MxCm"
    assert type_code("social", "reply") == "qtMk"


def test_a_code_tells_channels_apart() -> None:
    assert type_code("email", "reply") != type_code("social", "reply")
    assert type_code("a", "bc") != type_code("ab", "c")


def test_any_text_has_a_code() -> None:
    assert len(type_code("email", "\ud800 \0 😀" * 10_000)) == 4


def test_the_built_in_types_have_codes_of_their_own() -> None:
    policy = builtin_policy()

    assert len(policy.types) == sum(len(channel.types) for channel in policy.channels)


def test_an_unknown_type_with_the_code_of_a_known_one_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    email = builtin_policy().channels[1]
    reader = EventReader(email)
    monkeypatch.setattr(events, "type_code", lambda *_: email.types[1].code)
    value = {"customer_id": "anna", "type": "other", "timestamp": 1}

    for _ in range(2):
        event = reader.read(value, 10**9)[1]
        assert event.code == ""
        assert not reader.scores(event.code)


def test_an_unknown_type_with_the_code_of_a_known_one_of_another_channel_is_not_counted() -> None:
    policy = builtin_policy()
    unlucky = {"clickstream": "t2643419", "email": "t953397", "social": "t159804"}

    for channel in policy.channels:
        kind = unlucky[channel.name]
        assert type_code(channel.name, kind) in policy.types
        assert type_code(channel.name, kind) not in {known.code for known in channel.types}
        value = {"customer_id": "anna", "type": kind, "timestamp": 1}
        assert EventReader(channel, policy.types).read(value, 10**9)[1].code == ""
