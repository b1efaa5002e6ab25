"""The policy of the demonstration: that of a month, in seconds."""

from __future__ import annotations

#: A window of 15 s, so that who goes quiet drops before a watcher does.
DEMO_POLICY = """\
version = "demo-1"

[window]
length = "15s"
pane = "1s"
trend = "5s"

[bands]
disengaged = 0
engaged = 41
highly_engaged = 71
power = 101

[alerts]
rearm_margin = 5
cooldown = "5s"

[channels.clickstream]
weights = { page_view = 1, click = 1, search = 2, add_to_cart = 5, purchase = 20 }
cap = { page_view = 3 }

# The clicks come as Segment's calls, which a format known by name reads.
[sources.web]
topic = "segment"
channel = "clickstream"
format = "segment"
types = { "Button Clicked" = "click" }

[channels.email]
topic = "email"
weights = { open = 1, click = 5, reply = 8, bounce = -5, unsubscribe = -40, complaint = -60 }

[channels.social]
topic = "social"
weights = { impression = 0, like = 1, comment = 4, share = 4 }
"""
