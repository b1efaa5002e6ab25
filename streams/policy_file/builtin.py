"""The policy that holds where none is given."""

from __future__ import annotations

#: A month of behaviour, moved on every day. The weights follow the sources of the domain: a purchase or a reply is
#: worth more than a look; what says "leave me alone" takes away; impressions measure reach and score nothing.
BUILTIN_POLICY = """\
#:schema ./policy.schema.json

version = "builtin-2"

[window]
length = "30d"
pane = "1d"
trend = "7d"

[bands]
disengaged = 0
engaged = 41
highly_engaged = 71
power = 101

[alerts]
rearm_margin = 5
cooldown = "24h"

[alerts.absence]
share = 1
at_most = 10
margin = 1.8
growth = 0.15
members_within = "28d"
memory = "181d"
least_members = 5

[clock]
lateness = "0s"
idle_after = "10s"

[events]
remember_ids = "72h"

[dead_letters]
stop_above = 0.95
over = "1m"
at_least = 100

[kpi]
keep = "400d"

[channels.clickstream]
topic = "clickstream"
weights = { page_view = 1, click = 1, search = 2, session_start = 3, add_to_cart = 5, purchase = 20, invite = 15 }
cap = { page_view = 5, click = 5, search = 5, session_start = 3 }

[channels.email]
topic = "email"
weights = { delivered = 0, open = 1, machine_open = 0, click = 5, reply = 8, bounce = -5, unsubscribe = -40, \
complaint = -60 }
cap = { open = 5, bounce = 2 }
machine = { open = "machine_open" }
gateway = { click = { after = "delivered", within = "10s", key = "message_id" } }

[channels.social]
topic = "social"
weights = { impression = 0, like = 1, retweet = 3, tag = 3, share = 4, comment = 4, mention = 4, reply = 5, \
follow = 5, unfollow = -10, unlike = 0, delete = 0 }
cap = { like = 10 }
retracts = { unlike = "like", unfollow = "follow", delete = ["retweet", "tag", "share", "comment", "mention", "reply"] }
"""
