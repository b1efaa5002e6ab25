"""The rights that a worker asks for are those on the topics of its namespace."""

from __future__ import annotations

from streams.kafka.access import worker_rights
from streams.kafka.topics import read_topics, topic_settings
from streams.settings.settings import read_settings
from streams.topic_names import WRITTEN_TOPICS


def test_a_whole_namespace_needs_rights_on_its_own_topics_and_those_that_its_policy_names() -> None:
    settings = read_settings({"ENGAGEMENT_NAMESPACE": "acme", "ENGAGEMENT_OUTPUT_TOPICS": "namespace"})
    found = worker_rights(settings, read_topics(settings.policy))
    assert found["Read"] == ("clickstream", "email", "social", "acme.engagement-erasures")
    asked = {topic for some in found.values() for topic in some}
    assert asked == topic_settings(settings.policy, "acme.").keys()
    assert asked - set(settings.policy.own_topics) <= {f"acme.{topic}" for topic in WRITTEN_TOPICS}
