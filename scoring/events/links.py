"""Links: what a record of the identities says, checked and reduced to two ids."""

from __future__ import annotations

from typing import NamedTuple, cast

from scoring.errors import InvalidEvent
from scoring.ids import check_id
from scoring.json_words import not_an_object

#: Reasons for which a link that can be read is refused, as of what has been linked before.
LINKED_OTHERWISE, CLOSES_CIRCLE = "linked_otherwise", "link_closes_circle"


class Link(NamedTuple):
    """An id, and the customer whose it is."""

    id: str
    customer: str


def read_link(value: object) -> Link:
    """Check one decoded value.

    Args:
        value: what the JSON of the record decodes to.

    Returns:
        The link.

    Raises:
        InvalidEvent: with the reason, if an id is missing or wrong, or both are the same.
    """
    if type(value) is not dict:
        raise InvalidEvent("not_an_object", not_an_object(value))
    check_id(value, "id")
    check_id(value, "customer_id")
    link = Link(cast("str", value["id"]), cast("str", value["customer_id"]))
    if link.id == link.customer:
        raise InvalidEvent(CLOSES_CIRCLE, "id and customer_id are the same")
    return link
