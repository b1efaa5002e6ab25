"""The agents of a worker: each source topic has one, whatever channels and sources are called."""

from __future__ import annotations

from pathlib import Path

from streams.app import build_app
from streams.settings.settings import read_settings
from streams.store.memory.store import MemoryStore

#: A channel is called as what stands for the links where channels are told apart, another one as a source.
NAMESAKES = """
[channels.identities]
topic = "logins"
weights = { login = 1 }
[channels.shop]
topic = "orders"
weights = { order = 1 }
[channels.mail]
weights = { open = 1 }
[sources.shop]
topic = "letters"
channel = "mail"
customer = "customer"
type = "type"
time = "time"
[identities]
topic = "links"
[profiles]
topic = "people"
segment = "segment"
"""


async def test_each_source_topic_has_an_agent_though_names_are_alike(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(NAMESAKES)
    settings = read_settings({"ENGAGEMENT_POLICY": str(path)})
    app = build_app(settings, MemoryStore(settings.policy))
    read = [topic for agent in app.agents.values() for topic in agent.get_topic_names()]
    assert sorted(read) == ["letters", "links", "logins", "orders", "people"]
