"""Policies that come with the package: those of whole companies, and the parts of single channels.

Rests on decision 116.
"""

from __future__ import annotations

from importlib import resources

_SUFFIX = ".toml"


def shipped_policies() -> tuple[str, ...]:
    """Name the policies, in the order of the alphabet."""
    names = (file.name for file in resources.files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def shipped_policy(name: str) -> str:
    """Read a policy.

    Args:
        name: one of `shipped_policies`.

    Returns:
        Its text, TOML.
    """
    return (resources.files(__package__) / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
