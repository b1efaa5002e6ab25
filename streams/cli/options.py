"""The settings as options of a command."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from streams.settings.environment import PREFIX, Environment
from streams.settings.settings import read_settings

# Option -> the setting that it overrides, the placeholder of its value, its help.
_SETTINGS = {
    "brokers": ("KAFKA_BROKERS", "HOST:PORT", "Kafka brokers, separated by commas."),
    "session-timeout": ("KAFKA_SESSION_TIMEOUT", "SECONDS", "A worker not heard of for so long is gone."),
    "redis": ("REDIS_URL", "URL", "The Redis with the scores."),
    "policy": ("POLICY", "FILE", "Policy file; without one, the built-in policy."),
    "namespace": ("NAMESPACE", "NAME", "The service: its consumer group and key prefix."),
    "clock": ("CLOCK", "wall|stream", "Judge as of now, or as of the newest events."),
    "receiver": ("RECEIVER_FILE", "FILE", "Which sources are received, and how each is checked."),
    "web-host": ("WEB_HOST", "HOST", "Address that the web port listens on."),
    "web-port": ("WEB_PORT", "PORT", "Web port, with /health, /ready and /metrics."),
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
            variable, placeholder, explanation = _SETTINGS[name]
            explained = f"{explanation}  {_otherwise(variable)}"
            wrapped = click.option(f"--{name}", _argument(name), metavar=placeholder, help=explained)(wrapped)
        return wrapped

    return decorate


def _otherwise(variable: str) -> str:
    """Say what holds without the option, in click's own form."""
    default = Environment.model_fields[variable].default
    if isinstance(default, float):
        default = f"{default:g}"
    return f"[env var: {PREFIX}{variable}; default: {default}]" if default else f"[env var: {PREFIX}{variable}]"


def _argument(name: str) -> str:
    return "set_" + name.replace("-", "_")


def _overrides(chosen: dict[str, str | None]) -> dict[str, str]:
    return {PREFIX + _SETTINGS[name][0]: value for name, value in chosen.items() if value is not None}
