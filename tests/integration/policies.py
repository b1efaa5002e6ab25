"""The policies of the tests in this folder; `NAMESPACE` is replaced by that of the test."""

_BANDS = """
[bands]
disengaged = 0
engaged = 41
highly_engaged = 71
power = 101
"""

_CHANNELS = """
[channels.clickstream]
topic = "NAMESPACE-clickstream"
weights = { page_view = 1, purchase = 20 }
cap = { page_view = 5 }

[channels.email]
topic = "NAMESPACE-email"
weights = { open = 1, click = 5, unsubscribe = -40, complaint = -60 }

[channels.social]
topic = "NAMESPACE-social"
weights = { comment = 4, impression = 0 }
"""

#: A month: nothing falls while a test runs.
MONTH = f"""
version = "month-1"
[window]
length = "30d"
pane = "1d"
trend = "7d"
{_BANDS}
[alerts]
rearm_margin = 5
cooldown = "24h"
{_CHANNELS}
"""

#: A month, and a channel that no code knows of.
MONTH_WITH_SUPPORT = f"""{MONTH}
[channels.support]
topic = "NAMESPACE-support"
weights = {{ ticket = -2.5, praise = 7.25 }}
"""

#: Seconds, so that silence can be watched, and enough of them that a busy machine shows a score before it falls.
WINDOW = 20
SECONDS = f"""
version = "seconds-1"
[window]
length = "{WINDOW}s"
pane = "1s"
trend = "2s"
{_BANDS}
[alerts]
rearm_margin = 5
cooldown = "4s"
{_CHANNELS}
"""

#: One channel in which an event is a point, so that a score says how often each event was counted.
COUNTING = """
version = "counting-1"
[window]
length = "30d"
pane = "1d"
trend = "7d"
[channels.clickstream]
topic = "NAMESPACE-clickstream"
weights = { page_view = 1, drop = -100 }
"""
