"""What reads the source topics of a policy: a decoder and a limit on bad records for each.

Rests on decision 82.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from scoring.policy.channels import Channel
from scoring.policy.policy import Policy
from streams.errors import ExtraMissing
from streams.ingest.dead_letter_limit import Consumption, DeadLetterLimit
from streams.ingest.encodings import decoder_of
from streams.ingest.event_decoding import Decoder
from streams.ingest.link_decoding import LinkDecoder
from streams.ingest.link_decoding import as_channel as as_links
from streams.ingest.profile_decoding import PROFILES, ProfileDecoder
from streams.ingest.schemas import Schemas
from streams.ingest.sentiment import reader_of
from streams.ingest.source_decoding import SourceDecoder, sources_by_topic
from streams.ingest.source_decoding import as_channel as as_sources
from streams.metrics import Metrics
from streams.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Intake:
    """A source topic, by the channel of the policy or what stands for one, and the decoder of its records."""

    channel: Channel
    decoder: Decoder | ProfileDecoder | SourceDecoder | LinkDecoder


def missing_extras(policy: Policy) -> Iterator[str]:
    """Say which packages are not installed without which events cannot be read by a policy.

    Args:
        policy: any.
    """
    needs: list[tuple[str, Callable[[], object]]] = [
        (f"channels.{each.name}", partial(reader_of, each, policy)) for each in policy.channels
    ]
    needs += [(f"sources.{each.name}", partial(decoder_of, each.encoding, None)) for each in policy.sources]
    for where, make in needs:
        try:
            make()
        except ExtraMissing as error:
            yield f"{where}: {error}"


class Intakes:
    """Makes the decoders of a policy."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        wall: Callable[[], int],
        consumption: Consumption | None = None,
        schemas: Schemas | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            settings: hold the policy; its topics, clock and limits are those of the start.
            metrics: where the outcomes are counted.
            wall: reads the wall clock, in microseconds.
            consumption: is stopped where too many records are bad; None where there is no limit.
            schemas: by which records of foreign feeds are written.
        """
        self._policy = settings.policy
        self._window = settings.policy.length if settings.clock == "wall" else 0
        self._metrics = metrics
        self._wall = wall
        self._consumption = consumption
        self._schemas = schemas

    def of_topics(self) -> Iterator[Intake]:
        """Make the decoders of events, profiles and links, one for each topic."""
        policy, metrics = self._policy, self._metrics
        for channel in policy.own_channels:
            reader = reader_of(channel, policy)
            yield Intake(channel, Decoder(channel.name, reader, metrics, self._window, self._limit(channel)))
        for topic, sources in sources_by_topic(policy).items():
            channel = as_sources(sources)
            limit = self._limit(channel)
            yield Intake(channel, SourceDecoder(topic, policy, metrics, self._window, limit, self._schemas))
        if policy.profiles is not None:
            channel = Channel(PROFILES, policy.profiles.topic, ())
            yield Intake(channel, ProfileDecoder(policy.profiles, metrics, self._limit(channel)))
        if policy.identities:
            channel = as_links(policy.identities)
            yield Intake(channel, LinkDecoder(metrics, self._limit(channel)))

    def _limit(self, channel: Channel) -> DeadLetterLimit | None:
        if self._consumption is None:
            return None
        return DeadLetterLimit(channel, self._policy, self._wall, self._consumption)
