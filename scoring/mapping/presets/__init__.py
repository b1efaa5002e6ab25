"""Sources that come with the package, each a part of a policy file: how the feeds of others are read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

_SUFFIX = ".toml"
#: Where editors find the schema of these files; it is elsewhere for what is copied from them.
_FOR_EDITORS = "#:schema ../../../streams/policies/policy.schema.json\n\n"


@cache
def preset_names() -> tuple[str, ...]:
    """Name the presets, in the order of the alphabet."""
    names = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def preset_text(name: str) -> str:
    """Read a preset.

    Args:
        name: one of `preset_names`.

    Returns:
        Its text, TOML: the table of a source of that name, without the line for editors.
    """
    text = (resources.files(__name__) / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    return text.removeprefix(_FOR_EDITORS)


@cache
def preset_table(name: str) -> Mapping[str, Any]:
    """Read the keys of a preset.

    Args:
        name: one of `preset_names`.
    """
    table: Mapping[str, Any] = tomllib.loads(preset_text(name))["sources"][name]
    return table
