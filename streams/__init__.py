"""Everything that touches the world: Kafka, Redis, Faust, the command line.

A worker is an app: `build_app(read_settings())`, run by `run_app`. With `MemoryStore` it keeps the scores in memory,
which is the quickest way to test an application that reads them::

    store = MemoryStore(settings.policy)
    app = build_app(settings, store=store)
    ...
    record = await store.read("maria")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streams.app import build_app, run_app
    from streams.embedded.kafka import EmbeddedKafka
    from streams.embedded.redis import EmbeddedRedis
    from streams.errors import SettingsError, StreamsError
    from streams.policies.shipped import shipped_policies, shipped_policy
    from streams.policy_file.document import builtin_policy, parse_policy
    from streams.settings.settings import Settings, read_settings
    from streams.store.memory.store import MemoryStore
    from streams.store.protocol import CustomerRecord, Store
    from streams.store.redis.store import RedisStore

__all__ = [
    "CustomerRecord",
    "EmbeddedKafka",
    "EmbeddedRedis",
    "MemoryStore",
    "RedisStore",
    "Settings",
    "SettingsError",
    "Store",
    "StreamsError",
    "build_app",
    "builtin_policy",
    "parse_policy",
    "read_settings",
    "run_app",
    "shipped_policies",
    "shipped_policy",
]
#: Where each name stands. It is imported when it is first asked for, so that one module does not cost all others.
_HOMES: Final = {
    "CustomerRecord": "streams.store.protocol",
    "EmbeddedKafka": "streams.embedded.kafka",
    "EmbeddedRedis": "streams.embedded.redis",
    "MemoryStore": "streams.store.memory.store",
    "RedisStore": "streams.store.redis.store",
    "Settings": "streams.settings.settings",
    "SettingsError": "streams.errors",
    "Store": "streams.store.protocol",
    "StreamsError": "streams.errors",
    "build_app": "streams.app",
    "builtin_policy": "streams.policy_file.document",
    "parse_policy": "streams.policy_file.document",
    "read_settings": "streams.settings.settings",
    "run_app": "streams.app",
    "shipped_policies": "streams.policies.shipped",
    "shipped_policy": "streams.policies.shipped",
}

if not TYPE_CHECKING:

    def __getattr__(name):  # noqa: ANN001, ANN202 - type checkers read the imports above
        """Import what is asked for."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, getattr(import_module(_HOMES[name]), name))
