"""The policy file of a running worker, and the policy that all workers agree on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import PolicyUnusable
from streams.ingest import sentiment
from streams.ingest.sentiment import analyzer_of
from streams.policy_file.document import parse_policy
from streams.store.policies import offered
from tests.unit.scoring.customers import POLICY, at, policy_with
from tests.unit.streams.bench import Bench, did

SECOND = POLICY.replace('"by-hand"', '"second"').replace("post = 2", "post = 3")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the file that a worker is started with."""
    file = tmp_path / "policy.toml"
    write(file, POLICY)
    return file


def write(path: Path, text: str) -> None:
    """Write a file."""
    path.write_text(text)


def read(path: Path) -> str:
    """Read a file."""
    return path.read_text()


def remove(path: Path) -> None:
    """Remove a file."""
    path.unlink()


def move_link(link: Path, target: Path) -> None:
    """Have a link point to another file from one moment to the next."""
    new = link.with_suffix(".new")
    new.symlink_to(target)
    new.rename(link)


async def opened(path: Path, store: Bench | None = None) -> Bench:
    """Give a worker that has agreed on the policy, with a customer of six posts."""
    bench = Bench(clock="wall", text=read(path), policy_path=str(path), store=None if store is None else store.store)
    await bench.policies.open()
    await bench.assign(*bench.clock.partitions)
    bench.now = at("01 09:00")
    return bench


async def look(bench: Bench, times: int = 2) -> None:
    """Have the worker look at the file: twice, as it takes what two looks have seen."""
    for _ in range(times):
        await bench.pipeline.follow_policy()


def refused(bench: Bench, reason: str) -> bool:
    """Return whether the metrics say that the file is not followed, for a reason."""
    return bench.count("engagement_policy_refused", reason=reason) == 1


async def test_a_start_puts_the_own_policy_in_force(path: Path) -> None:
    bench = await opened(path)

    record = await bench.store.policies.in_force()
    assert (record and record.version, bench.policies.number) == ("by-hand", 1)
    assert bench.count("engagement_policy_in_force", version="by-hand") == 1


async def test_a_changed_file_is_followed_once_two_looks_have_seen_it(path: Path) -> None:
    bench = await opened(path)
    write(path, SECOND)
    await look(bench, 1)
    assert bench.policies.policy.version == "by-hand"

    await look(bench, 1)
    assert (bench.policies.policy.version, bench.policies.number) == ("second", 2)
    await bench.apply(bench.submission(0, did("anna", "buy", "01 09:00")))
    assert await bench.field("anna", "policy_version") == "second"
    assert bench.count("engagement_policy_in_force", version="second") == 1
    assert bench.count("engagement_policy_in_force", version="by-hand") == 0


async def test_a_link_to_another_file_is_a_change(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    move_link(link, path)
    bench = await opened(link)
    write(tmp_path / "other.toml", SECOND)
    move_link(link, tmp_path / "other.toml")
    await look(bench)

    assert bench.policies.policy.version == "second"


async def test_who_asks_need_not_wait_for_the_second_look(path: Path) -> None:
    bench = await opened(path)
    write(path, SECOND)
    bench.policies.ask()
    await look(bench, 1)

    assert bench.policies.policy.version == "second"


async def test_a_worker_with_the_built_in_policy_has_nothing_to_read_again(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    await bench.policies.open()
    bench.policies.ask()
    with caplog.at_level(logging.INFO):
        await look(bench)

    assert "no policy file is named" in caplog.text


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        ("this is not TOML", "wrong", "not TOML"),
        (SECOND.replace("engaged = 10", "engaged = 50"), "wrong", "the lower bounds must rise"),
        (SECOND.replace('topic = "web"', 'topic = "churn-risk-alerts"'), "wrong", "the service itself writes"),
        (SECOND + '\n[identities]\ntopic = "churn-risk-alerts"\n', "wrong", "identities.topic: the service itself"),
        (SECOND + '\n[profiles]\ntopic = "churn-risk-alerts"\n', "wrong", "profiles.topic: the service itself"),
        (SECOND.replace('pane = "1d"', 'pane = "12h"'), "fixed", "window.pane"),
        (SECOND.replace("channels.social", "channels.chat"), "fixed", "channels.social, channels.chat"),
        (SECOND.replace('"second"', '"by-hand"'), "version_taken", "version 'by-hand' has been in force with other"),
    ],
)
async def test_a_file_that_cannot_be_followed_is_refused_once_and_the_old_policy_stays(
    path: Path, caplog: pytest.LogCaptureFixture, text: str, reason: str, said: str
) -> None:
    bench = await opened(path)
    write(path, text)
    await look(bench, 4)

    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert said in line
    assert line.endswith("; the policy in force stays 'by-hand'")
    assert refused(bench, reason)
    assert (bench.policies.policy.version, bench.policies.number) == ("by-hand", 1)

    write(path, SECOND)
    await look(bench)
    assert bench.policies.policy.version == "second"
    assert not refused(bench, reason)


async def test_a_file_that_is_gone_is_told_once_and_read_when_it_is_back(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await opened(path)
    remove(path)
    await look(bench, 4)
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    assert refused(bench, "wrong")

    write(path, SECOND)
    await look(bench)
    assert bench.policies.policy.version == "second"


async def test_a_file_that_is_taken_back_is_no_longer_refused(path: Path) -> None:
    bench = await opened(path)
    write(path, "this is not TOML")
    await look(bench)
    write(path, POLICY)
    await look(bench)

    assert not refused(bench, "wrong")
    assert bench.policies.number == 1


async def test_a_file_that_is_gone_and_comes_back_as_it_was_is_no_longer_refused(path: Path) -> None:
    bench = await opened(path)
    remove(path)
    await look(bench)
    write(path, POLICY)
    await look(bench)

    assert not refused(bench, "wrong")
    assert bench.policies.number == 1


async def test_a_file_that_comes_back_as_it_was_is_not_put_in_the_place_of_a_later_policy(path: Path) -> None:
    bench = await opened(path)
    await bench.store.policies.propose(offered(policy_with(('"by-hand"', '"second"')), 0), 1)
    remove(path)
    await look(bench)
    write(path, POLICY)
    await look(bench)

    assert (bench.policies.policy.version, refused(bench, "wrong")) == ("second", False)


async def test_what_another_worker_puts_in_force_is_followed(path: Path) -> None:
    bench = await opened(path)
    await bench.store.policies.propose(offered(policy_with(('"by-hand"', '"second"')), 0), 1)
    await look(bench, 1)
    assert bench.policies.policy.version == "second"

    write(path, POLICY.replace('"by-hand"', '"third"'))
    await look(bench)
    assert (bench.policies.policy.version, bench.policies.number) == ("third", 3)


async def test_a_worker_that_starts_with_a_superseded_policy_follows_the_one_in_force(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = await opened(path)
    old = tmp_path / "old.toml"
    write(old, POLICY)
    write(path, SECOND)
    await look(first)
    second = await opened(old, first)

    assert (second.policies.policy.version, second.policies.number) == ("second", 2)
    assert "was in force before another one took its place" in caplog.text
    assert refused(second, "superseded")

    second.policies.ask()
    await look(second, 1)
    assert (second.policies.policy.version, second.policies.number) == ("by-hand", 3)
    assert not refused(second, "superseded")
    await look(first, 3)
    assert (first.policies.policy.version, first.policies.number) == ("by-hand", 3)


async def test_two_workers_with_files_of_their_own_do_not_fight(path: Path, tmp_path: Path) -> None:
    first = await opened(path)
    other = tmp_path / "other.toml"
    write(other, SECOND)
    second = await opened(other, first)
    for _ in range(5):
        await look(first)
        await look(second)

    assert (first.policies.policy.version, first.policies.number) == ("second", 2)
    assert (second.policies.policy.version, second.policies.number) == ("second", 2)


async def test_who_is_overtaken_with_a_changed_file_looks_at_it_again(path: Path) -> None:
    bench = await opened(path)
    write(path, SECOND)
    await look(bench, 1)
    state, propose = bench.store.policies.state, bench.store.policies.propose
    third = offered(policy_with(('"by-hand"', '"third"')), 0)

    async def overtaken() -> tuple[int, str]:
        found = await state()
        bench.store.policies.state = state  # type: ignore[method-assign]
        await propose(third, 1)
        return found

    bench.store.policies.state = overtaken  # type: ignore[method-assign]
    await look(bench, 1)
    assert bench.policies.policy.version == "third"
    await look(bench, 1)
    assert (bench.policies.policy.version, bench.policies.number) == ("second", 3)


async def test_what_the_store_has_forgotten_is_put_in_force_again(path: Path) -> None:
    bench = await opened(path)
    write(path, SECOND)
    await look(bench)
    policies = bench.store._policies
    policies._record, policies._digests = None, {}
    await look(bench, 1)

    record = await bench.store.policies.in_force()
    assert (record and record.version, record and record.number) == ("second", 2)


async def test_a_policy_that_this_worker_does_not_understand_holds_it(path: Path) -> None:
    bench = await opened(path)
    newer = offered(policy_with(), 0)._replace(version="newer", digest="d", text=f"{POLICY}\n[of_a_later_release]\n")
    await bench.store.policies.propose(newer, 1)

    with pytest.raises(PolicyUnusable, match=r"'newer', is not understood by this worker.*of_a_later_release"):
        await look(bench, 1)
    assert bench.policies.policy.version == "by-hand"


@pytest.fixture
def without_sentiment(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give a policy whose model of sentiment is not installed."""
    analyzer_of.cache_clear()
    monkeypatch.setattr(sentiment, "_PACKAGES", {"vader-1": ("no-such-package", "1")})
    yield SECOND.replace('topic = "web"', 'topic = "web"\nsentiment = { text = "comment", model = "vader-1" }')
    analyzer_of.cache_clear()


async def test_a_file_that_needs_packages_which_are_not_installed_is_refused(
    path: Path, without_sentiment: str
) -> None:
    bench = await opened(path)
    write(path, without_sentiment)
    await look(bench)
    assert refused(bench, "wrong")
    assert (bench.policies.policy.version, bench.policies.number) == ("by-hand", 1)


async def test_a_policy_in_force_that_needs_packages_which_are_not_installed_holds_this_worker(
    path: Path, without_sentiment: str
) -> None:
    bench = await opened(path)
    await bench.store.policies.propose(offered(parse_policy(without_sentiment), 0), 1)
    with pytest.raises(PolicyUnusable, match=r"'second', cannot be followed.*channels.web: .*\[sentiment\]"):
        await look(bench, 1)
    assert bench.policies.policy.version == "by-hand"


async def test_a_round_that_meets_another_policy_is_judged_by_it(path: Path) -> None:
    bench = await opened(path)
    await bench.store.policies.propose(offered(policy_with(('"by-hand"', '"second"'), ("buy = 4.5", "buy = 5")), 0), 1)
    await bench.apply(bench.submission(0, *[did("anna", "buy", "01 09:00")] * 3))

    assert (await bench.field("anna", "score"), await bench.field("anna", "policy_version")) == ("15", "second")
    assert bench.count("engagement_refused_writes_total", what="fence") > 0
    assert bench.publisher.kinds() == ["band_change"]


async def test_types_that_a_policy_names_are_known_at_once(path: Path) -> None:
    bench = await opened(path)
    write(path, SECOND.replace("view = 1", "view = 1, wave = 7"))
    await look(bench)
    await bench.apply(bench.submission(0, did("anna", "wave", "01 09:00")))

    assert await bench.field("anna", "score") == "7"
    assert bench.count("engagement_events_total", channel="web", outcome="unknown_type") == 0
