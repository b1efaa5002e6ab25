"""What came out of a run, against the brute force over the events that went in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import redis

from tests.faults.feeder import Feeder, Place
from tests.polling import wait_until
from tests.reference import absent, brute_force, figures
from tests.reference.comparison import (
    Rows,
    alert_differences,
    band_change_differences,
    expected,
    index_differences,
    judged_to_the_end,
    score_differences,
)
from tests.services.command import run_command
from tests.services.log_reader import read_band_indexes, read_customers, read_fences
from tests.services.system import System


class Verdict:
    """Waits until everything has been judged, and compares."""

    def __init__(self, system: System, store_url: str, feeder: Feeder) -> None:
        """Prepare.

        Args:
            system: whose output is judged.
            store_url: of Redis, as the harness reaches it.
            feeder: that has finished.
        """
        self._system = system
        self._store_url = store_url
        self._namespace = system.namespace
        self._feeder = feeder
        self.alerts = self.absences = 0
        self.repeated = 0

    def differences(self, end: int, within: float) -> list[str]:
        """Wait and compare.

        Args:
            end: the time up to which everything is judged in the end, in microseconds.
            within: seconds for each step towards it.

        Returns:
            A sentence for each difference.
        """
        policy = self._system.folder / f"{self._namespace}.toml"
        with ThreadPoolExecutor(1) as pool:
            reference = pool.submit(expected, policy, self._feeder.log)
            ends = {place: {end} for place, end in asyncio.run(self._system.log_ends()).items() if end}
            unread = self._wait(lambda: read_fences(self._store_url, self._namespace) == ends, "read", within)
            wanted = reference.result()
        unjudged = self._wait(
            lambda: judged_to_the_end(self._store_url, self._namespace, len(wanted), end), "judged", within
        )
        results = (
            self._store_differences(wanted),
            self._topic_differences(wanted),
            self._absence_differences(end),
            self._figure_differences(wanted),
        )
        return [*unread, *unjudged, *chain.from_iterable(results)]

    def _wait(self, reached: Callable[[], bool], what: str, within: float) -> list[str]:
        try:
            wait_until(reached, within)
        except AssertionError as late:
            return [f"the stream was not {what} to its end within {within:g} s: {late}"]
        return []

    def _store_differences(self, wanted: Rows) -> Iterator[str]:
        yield from score_differences(wanted, read_customers(self._store_url, self._namespace))
        yield from index_differences(wanted, read_band_indexes(self._store_url, self._namespace))
        # Everything up to now may be right, and yet nobody look again when a customer is to drop.
        times = self._schedules()
        for customer, row in wanted.items():
            drops, stands = row["disengages_at"], times.get(customer)
            if drops and (stands is None or stands > brute_force.micros(drops)):
                yield f"{customer}: drops at {drops}, but the schedules say {stands}"

    def _schedules(self) -> dict[str, float]:
        times: dict[str, float] = {}
        with redis.Redis.from_url(self._store_url, decode_responses=True) as client:
            for kind in ("_crossings", "_refreshes"):
                for key in client.keys(f"{self._namespace}:{kind}:*"):
                    times |= dict(client.zrange(key, 0, -1, withscores=True))
        return times

    def _figure_differences(self, wanted: Rows) -> Iterator[str]:
        policy = brute_force.parse_policy((self._system.folder / f"{self._namespace}.toml").read_text())
        customers = brute_force.histories(brute_force.read_lines(self._feeder.log), policy)
        customers = {customer: events for customer, events in customers.items() if customer in wanted}
        times = [event.time // figures.DAY for events in customers.values() for event in events]
        first, last = min(times), max(times)
        bands = [
            figures.band_history(events[0].time, wanted[name]["band_changes"]) for name, events in customers.items()
        ]
        right = figures.document(figures.active_days(customers, policy), bands, first, last)
        environment = {**self._system.environment, "ENGAGEMENT_REDIS_URL": self._store_url}
        period = ("--from", right["from"], "--to", right["to"])
        found = json.loads(run_command(environment, "kpi", "--json", *period).stdout)
        yield from (f"figures: {difference}" for difference in figures.differences(right, found))

    def _absence_differences(self, end: int) -> Iterator[str]:
        policy = self._system.settings.policy
        if policy.absence is None:
            return
        wanted = absent.expected(policy, map(json.loads, brute_force.read_lines(self._feeder.log)), end)
        self.absences = len(wanted)
        yield from absent.absence_differences(wanted, asyncio.run(self._system.alerts()))

    def _topic_differences(self, wanted: Rows) -> Iterator[str]:
        alerts = asyncio.run(self._system.alerts())
        changes = asyncio.run(self._system.band_changes())
        yield from alert_differences(wanted, [alert for alert in alerts if alert["kind"] not in absent.KINDS])
        yield from band_change_differences(wanted, changes)
        letters = asyncio.run(self._system.dead_letters())
        came = {_place_of(letter): (letter.value, _header(letter, "dlq.reason")) for letter in letters}
        for place, bad in self._feeder.bad.items():
            if came.get(place) != bad:
                yield f"no dead letter of {place}, {bad}: {came.get(place)}"
        for place in came.keys() - self._feeder.bad.keys():
            yield f"a dead letter of a good record: {place}"
        alert_ids, change_ids = {alert["alert_id"] for alert in alerts}, {change["change_id"] for change in changes}
        self.alerts = len(alert_ids)
        different = len(alert_ids) + len(change_ids) + len(came)
        self.repeated = len(alerts) + len(changes) + len(letters) - different


def _place_of(letter: Any) -> Place:
    return _header(letter, "dlq.topic"), int(_header(letter, "dlq.partition")), int(_header(letter, "dlq.offset"))


def _header(letter: Any, name: str) -> str:
    return str(dict(letter.headers)[name].decode())
