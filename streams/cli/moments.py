"""A point in time as the value of an option."""

from __future__ import annotations

import time
from typing import Any

import click

from scoring.instants import parse_duration, parse_timestamp


class Moment(click.ParamType):
    """A time such as ``2026-11-21T09:30:00Z``, or ``2h`` for two hours ago; the command gets microseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the value.

        Args:
            value: text.
            param: the option.
            ctx: of the call.

        Returns:
            Microseconds since 1970 UTC.
        """
        if isinstance(value, int):
            return value
        try:
            return parse_timestamp(value)
        except ValueError:
            pass
        try:
            return time.time_ns() // 1_000 - parse_duration(value)
        except ValueError:
            self.fail(f"{value!r} is neither a time such as 2026-11-21T09:30:00Z nor an age such as 2h", param, ctx)
