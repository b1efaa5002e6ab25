"""One Faust agent for each source topic; there is no code of a channel's own.

Rests on decision 27.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import faust
from mode import CrashingSupervisor

from scoring.events.event import MOST_AHEAD
from streams.backoff import Backoff
from streams.ingest.dead_letter_limit import Consumption
from streams.ingest.intakes import Intake
from streams.ingest.link_decoding import in_parts
from streams.ingest.source_decoding import SourceDecoder
from streams.machine_clock import SteadyClock
from streams.metrics import Metrics
from streams.rounds.pipeline import Pipeline
from streams.rounds.round_queue import Submission

logger = logging.getLogger(__name__)

_DOUBT_SECONDS = 0.2


def add_agent(
    app: faust.App,
    intake: Intake,
    pipeline: Pipeline,
    metrics: Metrics,
    wall: SteadyClock,
    consumption: Consumption,
) -> None:
    """Register the agent that reads a source topic.

    Args:
        app: gets the agent.
        intake: the topic, by its channel, and the decoder of its records.
        pipeline: applies what the agent has decoded.
        metrics: counters.
        wall: the clock; while it is in doubt nothing is decoded, as a good event could be refused.
        consumption: whether anything is consumed.
    """
    channel, decoder = intake.channel, intake.decoder
    topic: Any = app.topic(channel.topic, key_type=bytes, value_type=bytes, value_serializer="raw")
    schemas = Backoff(metrics, logger, "waiting for it before decoding")
    consumption.schemas.append(schemas)

    # Named after its topic: a channel may be called as a source is, and Faust starts only one agent of a name.
    # An agent that is started again could skip what it had in hand, so its failure ends the worker instead.
    @app.agent(topic, name=f"score-{channel.topic}", supervisor_strategy=CrashingSupervisor)
    async def score(stream: Any) -> None:
        # Faust would acknowledge a message whose handling raised; here only the pipeline acknowledges.
        async for event in stream.noack().events():
            if consumption.stopped_because:
                # Let go: what has not been applied does not count as acknowledged.
                event.ack()
                continue
            while wall.in_doubt:  # noqa: ASYNC110 - nobody tells when a clock is set
                await asyncio.sleep(_DOUBT_SECONDS)
            # Meanwhile the partition waits, and nothing of it is acknowledged.
            if isinstance(decoder, SourceDecoder):
                await schemas.until_done(app, partial(decoder.prepare, event.message.value))
                if app.should_stop:
                    # It may be that a schema is still missing; what is let go is read again.
                    continue
            now = wall()
            metrics.note_first_fetch(now)
            parts = in_parts(decoder.decode(event.message.value, now + MOST_AHEAD))
            for part in parts:
                part.raw.release()
                # What is acknowledged is the message, with the last of its parts.
                await pipeline.submit(Submission(part, event if part is parts[-1] else NOT_ACKNOWLEDGED))
            if not parts:
                event.ack()


class _NotAcknowledged:
    """Stands for the event of a part of a message."""

    def ack(self) -> None:
        """Do nothing."""


NOT_ACKNOWLEDGED = _NotAcknowledged()
