"""The table of the checks, in the order in which they are run.

Rests on decision 62.
"""

from __future__ import annotations

from streams.doctor import configuration, kafka, policy, redis, topics, workers
from streams.doctor.examination import Check

_SETTINGS = ("settings",)
_ON_KAFKA = (*_SETTINGS, "kafka")
_ON_REDIS = (*_SETTINGS, "redis")

CHECKS = (
    Check("settings", configuration.check_settings),
    Check("policy", configuration.check_policy),
    Check("kafka", kafka.check_access, _SETTINGS),
    Check("kafka brokers", kafka.check_brokers, _ON_KAFKA),
    Check("kafka rights", kafka.check_rights, (*_ON_KAFKA, "policy")),
    Check("session timeout", kafka.check_session, _ON_KAFKA),
    Check("topics", topics.check_topics, (*_ON_KAFKA, "policy")),
    Check("topic settings", topics.check_topic_settings, (*_ON_KAFKA, "policy")),
    Check("redis", redis.check_access, _SETTINGS),
    Check("redis server", redis.check_server, _ON_REDIS),
    Check("redis disk", redis.check_persistence, _ON_REDIS),
    Check("redis rights", redis.check_rights, _ON_REDIS),
    Check("redis clock", redis.check_clock, _ON_REDIS),
    Check("namespace", redis.check_namespace, (*_ON_REDIS, "policy")),
    Check("policy in force", policy.check_in_force, (*_ON_REDIS, "policy")),
    Check("group", workers.check_members, _ON_KAFKA),
    Check("progress", workers.check_progress, (*_ON_KAFKA, "redis", "policy")),
    Check("worker", workers.check_worker, _SETTINGS),
)
