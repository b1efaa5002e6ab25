"""A worker that is held soon, and to whose Kafka client each second of that is an hour."""

from __future__ import annotations

import os
import sys

from aiokafka.consumer.subscription_state import SubscriptionState

from streams.app import build_app, run_app
from streams.rounds import round_queue
from streams.settings.settings import read_settings

if __name__ == "__main__":
    idle_time = SubscriptionState.fetcher_idle_time.fget
    SubscriptionState.fetcher_idle_time = property(lambda state: 3600 * max(idle_time(state) - 5, 0))
    round_queue.WAITING_EVENTS = 1
    sys.exit(run_app(build_app(read_settings(dict(os.environ)))))
