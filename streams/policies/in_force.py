"""The policy by which a worker judges: the one that all workers have agreed on, in the store.

Rests on decisions 45 and 124.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from mode.utils.logging import get_logger

from scoring.errors import PolicyError
from scoring.policy.change import fixed_differences, policy_digest
from scoring.policy.policy import Policy
from scoring.policy.shadow import absence_problem, shadow_problems, with_shadow, without_shadow
from streams.errors import PolicyUnusable, SettingsError
from streams.ingest.intakes import missing_extras
from streams.kafka.topics import source_topics
from streams.metrics import Metrics
from streams.policies.watched_file import WatchedFile
from streams.policy_file.document import parse_policy
from streams.settings.policy_source import beside, parse_policy_file
from streams.settings.settings import Settings
from streams.store.policies import IN_FORCE, MOVED, SUPERSEDED, StoredPolicy, offered
from streams.store.protocol import Store

logger = get_logger(__name__)

_STAYS = "the policy in force stays {version!r}"
_TAKEN = "version {version!r} has been in force with other contents; give the changed policy a version of its own"
_FIXED = "these cannot change while workers run: {keys}. Start all workers with the new policy instead"
_SUPERSEDED = (
    "version {version!r} was in force before another one took its place; "
    "to go back to it, give it a new version, or send this worker SIGHUP"
)


@runtime_checkable
class Follower(Protocol):
    """A part of the worker that goes by the policy."""

    def follow(self, policy: Policy) -> None:
        """Go by another policy from now on; called between two rounds."""


class PolicyInForce:
    """Puts the worker's own files in force where that is due, and takes over what is in force.

    A policy goes with the shadow policy that is judged beside it: both are offered, stored and followed as one.

    What is in force stands in the store with a number. A worker that starts puts its file in force unless that policy
    has been in force before. A worker that runs does so when its file changes or it is asked to. Everything else
    follows, and the store refuses what was judged by another policy.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        metrics: Metrics,
        wall: Callable[[], int],
        followers: Iterable[Follower] = (),
    ) -> None:
        """Prepare.

        Args:
            settings: name the file, and hold the policy that it held when the worker was started.
            store: where the policy in force is.
            metrics: show what is in force, and whether the file is refused.
            wall: reads the wall clock, in microseconds.
            followers: the parts that go by the policy, besides the store; each change is handed to them.
        """
        self._own = settings.policy
        self._prefix = settings.topic_prefix
        self._file = WatchedFile(settings.policy_path, settings.policy.text)
        shadow = settings.policy.shadow
        self._shadow_file = WatchedFile(settings.shadow_path, shadow.text) if shadow is not None else None
        self._files = [file for file in (self._file, self._shadow_file) if file is not None]
        self._store = store
        self._metrics = metrics
        self._wall = wall
        self._followers = tuple(followers)
        self._record = StoredPolicy(0, "", "", "", 0)
        self._taken_over: tuple[StoredPolicy, Policy] | None = None
        self._superseded = False
        self.policy = settings.policy

    @property
    def number(self) -> int:
        """The number of the policy by which the worker judges; 0 before the start."""
        return self._record.number

    def ask(self) -> None:
        """Have the files read again and put in force, as SIGHUP does."""
        for file in self._files:
            file.ask()

    async def open(self) -> None:
        """Put the worker's own policy in force unless it was superseded, and take over what is in force.

        Raises:
            StoreUnavailable: if the store does not answer.
            PolicyUnusable: if this worker cannot read the policy in force.
        """
        verdict = await self._store.policies.propose(offered(self._own, self._wall()), None)
        if await self.changed():
            self.adopt()
        if verdict != IN_FORCE and policy_digest(self.policy) != policy_digest(self._own):
            reason, words = ("superseded", _SUPERSEDED) if verdict == SUPERSEDED else ("version_taken", _TAKEN)
            self._refuse(reason, words.format(version=self._own.version))

    async def changed(self) -> bool:
        """Look whether the file or the policy in force has changed; `adopt` then makes the worker follow.

        Raises:
            StoreUnavailable: if the store does not answer.
            PolicyUnusable: if this worker cannot read the policy in force.
        """
        number, digest = await self._store.policies.state()
        if number < self._record.number:
            logger.warning(
                "the store has forgotten that policy %r is in force; put in force again", self.policy.version
            )
            await self._store.policies.propose(self._record, number)
            number, digest = await self._store.policies.state()
        if digest == self._record.digest:
            self._record = self._record._replace(number=number)
            if not await self._offer_changed_file():
                return False
        return await self._read()

    async def _offer_changed_file(self) -> bool:
        """Offer the files if one has changed; returns whether they were offered."""
        try:
            policy = await self._changed_policy()
        except SettingsError as error:
            self._refuse("wrong", "; ".join(error.problems))
            return False
        if policy is not None:
            await self._offer(policy)
            self._nothing_due()
        return policy is not None

    def _nothing_due(self) -> None:
        for file in self._files:
            file.due = None

    async def _changed_policy(self) -> Policy | None:
        """Read the files; what has not changed is that which is in force."""
        if not any([await file.changed() for file in self._files]):
            return None
        policy = self._due(self._file) or without_shadow(self.policy)
        if self._shadow_file is not None and (shadow := self._due(self._shadow_file)) is not None:
            return beside(policy, shadow, self._shadow_file.path)
        shadow = self.policy.shadow
        if shadow is not None and (problems := shadow_problems(policy, shadow)):
            logger.warning("the shadow policy %r ends: %s", shadow.version, "; ".join(problems))
            shadow = None
        return with_shadow(policy, shadow)

    def _due(self, file: WatchedFile) -> Policy | None:
        """Read what is due of a file; if that is wrong, it is due no more, and what the other one holds still is."""
        text, file.due = file.due, None
        if text is None:
            return None
        policy = parse_policy_file(text, file.path, self._prefix)
        file.due = text
        return policy

    async def _offer(self, policy: Policy) -> None:
        fixed = fixed_differences(self.policy, self._own, policy)
        if fixed:
            self._refuse("fixed", _FIXED.format(keys=", ".join(fixed)))
            return
        if missing := list(missing_extras(policy)):
            self._refuse("wrong", "; ".join(missing))
            return
        verdict = IN_FORCE
        if policy_digest(policy) != policy_digest(self.policy):
            verdict = await self._store.policies.propose(offered(policy, self._wall()), self._record.number)
        if verdict == IN_FORCE:
            self._metrics.policy_refused.clear()
        elif verdict == MOVED:
            # Another one was quicker. That one is taken over first, and what has changed is looked at again after it.
            for file in self._files:
                if file.due is not None:
                    file.ask()
        else:
            self._refuse("version_taken", _TAKEN.format(version=policy.version))

    def _refuse(self, reason: str, problem: str) -> None:
        self._superseded = reason == "superseded"
        self._metrics.policy_refused.clear()
        self._metrics.policy_refused.labels(reason).set(1)
        stays = f"; {_STAYS.format(version=self._record.version)}" if self._record.version else ""
        logger.error("the policy file %s is not followed: %s%s", self._file.path or "(built in)", problem, stays)

    async def _read(self) -> bool:
        record = await self._store.policies.in_force()
        if record is None or record.digest == self._record.digest:
            return False
        try:
            shadow = parse_policy(record.shadow_text) if record.shadow_text else None
            policy = with_shadow(parse_policy(record.text), shadow)
        except PolicyError as error:
            raise PolicyUnusable(
                f"the policy in force, {record.version!r}, is not understood by this worker, which may be of an older "
                f"release: {'; '.join(error.problems)}"
            ) from error
        if missing := list(missing_extras(policy)):
            raise PolicyUnusable(
                f"the policy in force, {record.version!r}, cannot be followed by this worker: {'; '.join(missing)}"
            )
        self._taken_over = record, policy
        return True

    def adopt(self) -> None:
        """Follow the policy that `changed` has found; nothing else may be at work on customers."""
        if self._taken_over is None:
            return
        (record, policy), self._taken_over = self._taken_over, None
        before, self._record, self.policy = self._record, record, policy
        self._nothing_due()
        if self._superseded and policy_digest(self._own) == policy_digest(policy):
            self._metrics.policy_refused.clear()
        self._store.follow(policy, record.digest)
        for follower in self._followers:
            follower.follow(policy)
        self._metrics.policy_in_force.clear()
        self._metrics.policy_in_force.labels(policy.version).set(1)
        beside_it = f", with the shadow policy {record.shadow_version!r}" if record.shadow_version else ""
        after = f", after {before.version!r}" if before.version not in ("", policy.version) else ""
        logger.info("policy %r is in force%s%s", policy.version, beside_it, after)
        if policy.shadow is not None and (problem := absence_problem(policy, policy.shadow)):
            logger.warning("the shadow policy %r: %s", policy.shadow.version, problem)
        missing = {*source_topics(policy)} ^ {*source_topics(self._own)}
        if missing:
            logger.warning(
                "the policy in force has other topics than this worker was started with (%s); restart it with that "
                "policy",
                ", ".join(sorted(missing)),
            )
