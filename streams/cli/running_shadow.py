"""The shadow policy that is running, for the commands that are about it."""

from __future__ import annotations

from streams.cli.refusal import Refusal
from streams.store.policies import StoredPolicy
from streams.views.wording import printable


def require_shadow(stored: StoredPolicy | None, namespace: str) -> StoredPolicy:
    """Give the policy in force, if a shadow policy is running beside it.

    Args:
        stored: of the store; None where no policy is in force.
        namespace: of the service.

    Raises:
        Refusal: if none is running.
    """
    if stored is None or not stored.shadow_text:
        raise Refusal(f"no shadow policy is running under {printable(namespace)!r}")
    return stored
