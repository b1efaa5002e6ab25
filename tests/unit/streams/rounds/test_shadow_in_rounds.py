"""A shadow policy in a worker: what it raises, on which topics, and how it begins, changes and ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from scoring.instants import SECOND
from scoring.policy.shadow import with_shadow
from streams.errors import BrokerUnavailable
from streams.policy_file.document import parse_policy
from streams.store.policies import IN_FORCE, offered
from streams.topic_names import ALERTS, BAND_CHANGES, SHADOW_ALERTS, SHADOW_SIGNALS
from tests.unit.scoring.customers import POLICY, at
from tests.unit.streams.bench import WEB, Bench, did

#: By it a purchase is worth 12 points, and 3 by the policy in force.
LIVE = POLICY.replace("buy = 4.5", "buy = 3")
SHADOW = POLICY.replace('"by-hand"', '"tried"').replace("buy = 4.5", "buy = 12")
OTHER = SHADOW.replace('"tried"', '"again"').replace("buy = 12", "buy = 11")
LATER = LIVE.replace('"by-hand"', '"second"')
WRONG = "this is not TOML"
SIGNAL = '\n[signals.angry]\non = ["web.complain"]\n'


async def started(shadow: str = SHADOW, text: str = LIVE, **options: object) -> Bench:
    """Start a worker with a shadow policy."""
    bench = Bench(clock="wall", text=text, shadow=shadow, **options)  # type: ignore[arg-type]
    await bench.policies.open()
    await bench.assign(WEB)
    return bench


async def restarted(bench: Bench, shadow: str = SHADOW, text: str = LIVE) -> Bench:
    """Start another worker when one has ended, and its lease on the sweep, too."""
    bench.store.policies._walker = ""  # type: ignore[attr-defined]
    return await started(shadow, text, store=bench.store)


async def turn(bench: Bench, now: str = "") -> None:
    """Let the timer do a turn."""
    bench.now = at(now) if now else bench.now + SECOND
    await bench.timer.turn(lambda: {WEB: bench.pipeline.positions.has_applied(WEB, 0)}, 1, {WEB})
    assert bench.timer.fault == ""


async def buy(bench: Bench, offset: int, *customers: str, time: str = "01 09:00") -> None:
    """Let customers buy."""
    bench.now = at(time)
    await bench.apply(bench.submission(offset, *[did(customer, "buy", time) for customer in customers]))


def told(bench: Bench, topics: Iterable[str]) -> list[tuple[str, str, str, str]]:
    """Give what was published to topics: topic, kind, version of the policy, name of the score."""
    return [
        (
            message.topic,
            message.body.get("kind", ""),
            message.body["policy_version"],
            message.body.get("score_name", ""),
        )
        for _, message in bench.publisher.messages
        if message.topic in topics
    ]


async def test_by_silence_each_policy_raises_on_a_topic_of_its_own() -> None:
    bench = await started()
    await buy(bench, 0, *["anna"] * 4)
    await turn(bench, "04 00:01")

    assert sorted(told(bench, (ALERTS, SHADOW_ALERTS))) == [
        (ALERTS, "churn_risk", "by-hand", ""),
        (SHADOW_ALERTS, "churn_risk", "tried", "shadow"),
    ]
    live, shadow = (
        next(message.body for _, message in bench.publisher.messages if message.topic == topic)
        for topic in (ALERTS, SHADOW_ALERTS)
    )
    assert (live["occurred_at"], live["score"], live["previous_score"]) == ("2024-01-04T00:00:00Z", 0, 12)
    assert (shadow["occurred_at"], shadow["score"], shadow["previous_score"]) == ("2024-01-04T00:00:00Z", 0, 48)
    assert live["alert_id"] != shadow["alert_id"]


async def test_who_is_engaged_by_the_shadow_alone_raises_an_alert_of_the_shadow_alone() -> None:
    bench = await started()
    await buy(bench, 0, "anna")
    assert await bench.field("anna", "band") == "disengaged"
    await turn(bench, "04 00:01")

    assert told(bench, (ALERTS, SHADOW_ALERTS)) == [(SHADOW_ALERTS, "churn_risk", "tried", "shadow")]
    assert bench.count("engagement_transitions_total", kind="shadow") == 1
    assert bench.count("engagement_transitions_total", kind="churn_risk") == 0


async def test_its_changes_of_band_are_not_told() -> None:
    bench = await started()
    await buy(bench, 0, "anna")
    assert told(bench, (BAND_CHANGES,)) == []


async def test_its_signals_go_to_a_topic_of_their_own() -> None:
    bench = await started(SHADOW + SIGNAL)
    bench.now = at("01 09:00")
    events = [{**did("anna", "complain", "01 09:00"), "event_id": str(number)} for number in range(2)]
    await bench.apply(bench.submission(0, *events))

    assert told(bench, (SHADOW_SIGNALS,)) == [(SHADOW_SIGNALS, "raised", "tried", "shadow")] * 2
    ids = {message.body["signal_id"] for _, message in bench.publisher.messages if message.topic == SHADOW_SIGNALS}
    assert len(ids) == 2
    assert not [message for _, message in bench.publisher.messages if message.topic == "engagement-signals"]


async def test_both_policies_may_signal_the_same_event_under_ids_of_their_own() -> None:
    bench = await started(SHADOW + SIGNAL, LIVE + SIGNAL)
    bench.now = at("01 09:00")
    await bench.apply(bench.submission(0, {**did("anna", "complain", "01 09:00"), "event_id": "1"}))

    ids = [message.body["signal_id"] for _, message in bench.publisher.messages if "signal_id" in message.body]
    assert len(set(ids)) == 2


async def test_what_could_not_be_published_goes_out_once_more_under_the_same_id() -> None:
    bench = await started()
    await buy(bench, 0, "anna")
    bench.publisher.faults.append(BrokerUnavailable("gone"))
    bench.now = at("04 00:01")
    await bench.timer.turn(lambda: {WEB: True}, 1, {WEB})
    [(_, waiting)] = await bench.waiting("anna")
    bench.now += 10 * SECOND
    await turn(bench)

    assert [message.body["alert_id"] for _, message in bench.publisher.messages] == [waiting.body["alert_id"]]
    assert waiting.topic == SHADOW_ALERTS


async def test_a_shadow_that_begins_raises_nothing_about_the_past_and_reaches_everybody() -> None:
    bench = await started("")
    await buy(bench, 0, "anna", "ben", "ben")
    later = await restarted(bench)
    later.now = at("03 00:00")
    await turn(later)

    found = {name: dict(later.store.hashes[name]) for name in ("anna", "ben")}
    assert {name: fields["score:shadow"] for name, fields in found.items()} == {"anna": "12", "ben": "24"}
    assert {fields["policy_version:shadow"] for fields in found.values()} == {"tried"}
    assert later.publisher.messages == []
    await turn(later, "04 00:01")
    assert told(later, (ALERTS, SHADOW_ALERTS)) == [(SHADOW_ALERTS, "churn_risk", "tried", "shadow")] * 2


async def test_another_shadow_begins_anew() -> None:
    bench = await started()
    await buy(bench, 0, "anna")
    await turn(bench, "04 00:01")
    later = await restarted(bench, OTHER)
    await turn(later, "04 00:02")
    assert "_x*shadow" not in later.store.hashes["anna"]
    await buy(later, 1, "anna", time="04 01:00")

    # By the first shadow, it would be a recovery.
    assert told(later, (ALERTS, SHADOW_ALERTS)) == []
    assert later.store.hashes["anna"]["policy_version:shadow"] == "again"


async def test_another_policy_in_force_leaves_the_shadow_as_it_is() -> None:
    bench = await started()
    await buy(bench, 0, "anna")
    await turn(bench, "04 00:01")
    later = await restarted(bench, text=LIVE.replace('"by-hand"', '"second"'))
    await buy(later, 1, "anna", time="04 01:00")

    assert told(later, (ALERTS, SHADOW_ALERTS)) == [(SHADOW_ALERTS, "recovered", "tried", "shadow")]


async def test_without_the_setting_the_shadow_ends_and_its_fields_go() -> None:
    bench = await started()
    await buy(bench, 0, "anna", "ben")
    later = await restarted(bench, "")
    await turn(later)

    assert not [name for fields in later.store.hashes.values() for name in fields if "shadow" in name]
    record = await later.store.policies.in_force()
    assert (record and record.shadow_version, later.policies.policy.shadow) == ("", None)


async def test_a_promoted_shadow_is_judged_by_workers_with_the_old_settings() -> None:
    bench = await started()
    await buy(bench, 0, "anna")
    promoted = offered(parse_policy(SHADOW), bench.now)
    assert await bench.store.policies.propose(promoted, bench.policies.number) == IN_FORCE
    await turn(bench)

    fields = bench.store.hashes["anna"]
    assert (fields["score"], fields["policy_version"]) == ("12", "tried")
    assert not [name for name in fields if "shadow" in name]
    later = await restarted(bench)
    assert (later.policies.policy.version, later.policies.policy.shadow) == ("tried", None)
    assert later.count("engagement_policy_refused", reason="superseded") == 1


async def test_a_changed_file_of_the_shadow_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "shadow.toml"
    path.write_text(SHADOW)
    bench = await started(shadow_path=str(path))
    path.write_text(OTHER)
    for _ in range(2):
        await turn(bench)

    assert bench.policies.policy.shadow == parse_policy(OTHER)
    assert bench.policies.policy.version == "by-hand"


async def test_a_changed_file_of_other_counts_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "shadow.toml"
    path.write_text(SHADOW)
    bench = await started(shadow_path=str(path))
    path.write_text(OTHER.replace('length = "3d"', 'length = "4d"'))
    for _ in range(2):
        await turn(bench)

    assert "cannot be judged on the same counts, as these differ: window.length" in caplog.text
    assert bench.policies.policy.shadow == parse_policy(SHADOW)
    assert bench.count("engagement_policy_refused", reason="wrong") == 1


async def test_a_policy_with_other_counts_ends_the_shadow(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(LIVE)
    bench = await started(policy_path=str(path))
    second = LIVE.replace('"by-hand"', '"second"')
    path.write_text(second.replace("view = 3 }", 'view = 3 }\nmachine = { view = "bot" }'))
    for _ in range(2):
        await turn(bench)

    assert (bench.policies.policy.version, bench.policies.policy.shadow) == ("second", None)
    assert "the shadow policy 'tried' ends" in caplog.text


async def test_a_policy_with_the_same_counts_keeps_the_shadow(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(LIVE)
    bench = await started(policy_path=str(path))
    path.write_text(LIVE.replace('"by-hand"', '"second"').replace("post = 2", "post = 3"))
    for _ in range(2):
        await turn(bench)

    assert bench.policies.policy.version == "second"
    assert bench.policies.policy.shadow == parse_policy(SHADOW)


async def with_files(tmp_path: Path) -> tuple[Bench, Path, Path]:
    """Start a worker with two files that it looks at."""
    path, shadow = tmp_path / "policy.toml", tmp_path / "shadow.toml"
    path.write_text(LIVE)
    shadow.write_text(SHADOW)
    return await started(policy_path=str(path), shadow_path=str(shadow)), path, shadow


async def change(bench: Bench, files: Mapping[Path, str]) -> None:
    """Change files at once, and look at them until they are taken."""
    for path, text in files.items():
        path.write_text(text)
    for _ in range(2):
        await turn(bench)


@pytest.mark.parametrize("wrong", [WRONG, OTHER.replace('length = "3d"', 'length = "4d"')])
async def test_a_policy_that_changes_with_a_wrong_shadow_is_followed_once_that_is_mended(
    tmp_path: Path, wrong: str
) -> None:
    bench, path, shadow = await with_files(tmp_path)
    await change(bench, {path: LATER, shadow: wrong})
    assert bench.policies.policy.version == "by-hand"
    await change(bench, {shadow: OTHER})

    assert (bench.policies.policy.version, bench.policies.policy.shadow) == ("second", parse_policy(OTHER))


async def test_a_policy_that_changes_while_the_shadow_is_gone_is_followed_once_that_is_back(tmp_path: Path) -> None:
    bench, path, shadow = await with_files(tmp_path)
    path.write_text(LATER)
    await turn(bench)
    shadow.unlink()
    await turn(bench)
    await change(bench, {shadow: SHADOW})

    assert (bench.policies.policy.version, bench.policies.policy.shadow) == ("second", parse_policy(SHADOW))


async def test_a_shadow_that_changes_with_a_wrong_policy_is_followed_once_that_is_mended(tmp_path: Path) -> None:
    bench, path, shadow = await with_files(tmp_path)
    await change(bench, {path: WRONG, shadow: OTHER})
    assert bench.policies.policy.shadow == parse_policy(SHADOW)
    await change(bench, {path: LATER})

    assert (bench.policies.policy.version, bench.policies.policy.shadow) == ("second", parse_policy(OTHER))


async def test_a_wrong_policy_does_not_hold_up_a_shadow_that_changes_later(tmp_path: Path) -> None:
    bench, path, shadow = await with_files(tmp_path)
    await change(bench, {path: WRONG})
    await change(bench, {shadow: OTHER})

    assert (bench.policies.policy.version, bench.policies.policy.shadow) == ("by-hand", parse_policy(OTHER))


async def test_what_waits_for_a_shadow_to_be_mended_does_not_take_the_place_of_what_another_worker_has_put_in_force(
    tmp_path: Path,
) -> None:
    bench, path, shadow = await with_files(tmp_path)
    await change(bench, {path: LATER, shadow: WRONG})
    third = offered(with_shadow(parse_policy(LIVE.replace('"by-hand"', '"third"')), parse_policy(SHADOW)), bench.now)
    assert await bench.store.policies.propose(third, bench.policies.number) == IN_FORCE
    await turn(bench)
    await change(bench, {shadow: OTHER})

    assert (bench.policies.policy.version, bench.policies.policy.shadow) == ("third", parse_policy(OTHER))


async def test_who_is_overtaken_with_a_changed_shadow_offers_that_beside_what_was_quicker(tmp_path: Path) -> None:
    bench, _, shadow = await with_files(tmp_path)
    shadow.write_text(OTHER)
    await turn(bench)
    state, propose = bench.store.policies.state, bench.store.policies.propose
    quicker = offered(with_shadow(parse_policy(LATER), parse_policy(SHADOW)), bench.now)

    async def overtaken() -> tuple[int, str]:
        found = await state()
        bench.store.policies.state = state  # type: ignore[method-assign]
        await propose(quicker, bench.policies.number)
        return found

    bench.store.policies.state = overtaken  # type: ignore[method-assign]
    await turn(bench)
    await turn(bench)
    assert (bench.policies.policy.version, bench.policies.policy.shadow) == ("second", parse_policy(OTHER))
