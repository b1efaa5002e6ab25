"""The settings as options of a command."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from streams.settings.environment import PREFIX
from streams.settings.settings import read_settings

# Option -> the setting that it overrides, the placeholder of its value, its help.
_SETTINGS = {
    "brokers": ("KAFKA_BROKERS", "HOST:PORT", "Kafka brokers, separated by commas."),
    "session-timeout": ("KAFKA_SESSION_TIMEOUT", "SECONDS", "After this long without a sign, a worker counts as gone."),
    "redis": ("REDIS_URL", "URL", "Redis with the scores."),
    "policy": ("POLICY", "FILE", "Policy file; the built-in policy if none."),
    "namespace": ("NAMESPACE", "NAME", "Consumer group, and prefix of the keys in Redis."),
    "clock": ("CLOCK", "wall|stream", "Score as of now, or as of the newest events."),
    "receiver": ("RECEIVER_FILE", "FILE", "What is received, and how it is checked."),
    "web-host": ("WEB_HOST", "HOST", "Where /health, /ready and /metrics listen."),
    "web-port": ("WEB_PORT", "PORT", "Their port."),
}


def takes_settings(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command options that override settings; it is called with `settings`.

    Args:
        names: of the options that make sense for the command.

    Returns:
        The decorator. Wrong values are found where the environment's are found, all at once.
    """
    return _takes(names, lambda overrides: {"settings": read_settings(overrides=overrides)})


def takes_overrides(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the same options; it is called with `overrides`, by the names of the variables, and reads itself.

    Args:
        names: of the options that make sense for the command.
    """
    return _takes(names, lambda overrides: {"overrides": overrides})


def _takes(
    names: Sequence[str], given: Callable[[dict[str, str]], dict[str, Any]]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_settings(**values: Any) -> Any:
            chosen = {name: values.pop(_argument(name)) for name in names}
            return command(**given(_overrides(chosen)), **values)

        wrapped: Callable[..., Any] = with_settings
        for name in reversed(names):
            _, placeholder, explanation = _SETTINGS[name]
            wrapped = click.option(f"--{name}", _argument(name), metavar=placeholder, help=explanation)(wrapped)
        return wrapped

    return decorate


def _argument(name: str) -> str:
    return "set_" + name.replace("-", "_")


def _overrides(chosen: dict[str, str | None]) -> dict[str, str]:
    return {PREFIX + _SETTINGS[name][0]: value for name, value in chosen.items() if value is not None}
