"""One Faust agent per channel of the policy, and one for profiles; there is no code of a channel's own."""

from __future__ import annotations

import asyncio
from typing import Any

import faust
from mode import CrashingSupervisor

from scoring.events import MOST_AHEAD
from scoring.policy import Channel
from streams.dead_letter_limit import DeadLetterLimit
from streams.decoding import Decoder
from streams.metrics import Metrics
from streams.pipeline import Pipeline, Submission
from streams.profile_decoding import ProfileDecoder
from streams.steady_clock import SteadyClock

_DOUBT_SECONDS = 0.2


def add_agent(
    app: faust.App,
    channel: Channel,
    decoder: Decoder | ProfileDecoder,
    pipeline: Pipeline,
    metrics: Metrics,
    wall: SteadyClock,
    limit: DeadLetterLimit,
) -> None:
    """Register the agent that scores the events of a channel.

    Args:
        app: gets the agent.
        channel: of the policy, or what stands for one where profiles come from.
        decoder: of the channel's records.
        pipeline: applies what the agent has decoded.
        metrics: counters.
        wall: the clock; while it is in doubt nothing is decoded, as a good event could be refused.
        limit: on the share of bad records in the channel.
    """
    topic = app.topic(channel.topic, key_type=bytes, value_type=bytes, value_serializer="raw")

    # An agent that is started again could skip what it had in hand, so its failure ends the worker instead.
    @app.agent(topic, name=f"score-{channel.name}", supervisor_strategy=CrashingSupervisor)
    async def score(stream: Any) -> None:
        # Faust would acknowledge a message whose handling raised; here only the pipeline acknowledges.
        async for event in stream.noack().events():
            if limit.consumption.stopped_because:
                # Let go: what has not been applied does not count as acknowledged.
                event.ack()
                continue
            while wall.in_doubt:  # noqa: ASYNC110 - nobody tells when a clock is set
                await asyncio.sleep(_DOUBT_SECONDS)
            now = wall()
            metrics.note_first_fetch(now)
            batch = decoder.decode(event.message.value, now + MOST_AHEAD)
            if batch.source.count:
                batch.source.release()
                await pipeline.submit(Submission(batch, event))
            else:
                event.ack()
