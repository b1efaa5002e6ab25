"""The two requests by which a broker tells what a user may do; aiokafka knows only older versions of them.

Rests on decision 78.
"""

from __future__ import annotations

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Bytes, Int16, Int32, Schema, String

# Bits of the answer.
_OPERATIONS = {"Read": 1 << 3, "Write": 1 << 4, "Describe": 1 << 8, "DescribeConfigs": 1 << 10}


def allows(rights: int, operation: str) -> bool:
    """Return whether an operation is allowed.

    Args:
        rights: as the broker tells them; 0 or less where it does not tell.
        operation: ``Read``, ``Write``, ``Describe`` or ``DescribeConfigs``.
    """
    return rights <= 0 or bool(rights & _OPERATIONS[operation])


class _TopicsResponse(Response):
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8"))),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _TopicsRequest(RequestStruct):
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _TopicsResponse
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class DescribeTopicRights(Request[_TopicsRequest]):
    """Asks for the rights on topics."""

    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        """Keep the topics.

        Args:
            topics: their names; none is created.
        """
        self._topics = topics

    def build(self, request_struct_class: type[_TopicsRequest]) -> _TopicsRequest:
        """Fill the structure in."""
        return request_struct_class(self._topics, False, False, True)  # noqa: FBT003 - the order is the schema's


class _GroupsResponse(Response):
    API_KEY = 15
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", String("utf-8")),
                ("state", String("utf-8")),
                ("protocol_type", String("utf-8")),
                ("protocol", String("utf-8")),
                (
                    "members",
                    Array(
                        ("member_id", String("utf-8")),
                        ("client_id", String("utf-8")),
                        ("client_host", String("utf-8")),
                        ("member_metadata", Bytes),
                        ("member_assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class _GroupsRequest(RequestStruct):
    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = _GroupsResponse
    SCHEMA = Schema(("groups", Array(String("utf-8"))), ("include_authorized_operations", Boolean))


class DescribeGroupRights(Request[_GroupsRequest]):
    """Asks for the rights on a consumer group."""

    API_KEY = 15

    def __init__(self, group: str) -> None:
        """Keep the group.

        Args:
            group: its name.
        """
        self._group = group

    def build(self, request_struct_class: type[_GroupsRequest]) -> _GroupsRequest:
        """Fill the structure in."""
        return request_struct_class([self._group], True)  # noqa: FBT003 - the order is the schema's
