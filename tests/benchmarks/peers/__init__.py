"""The programs that the product is compared with, each as its own documentation would have it.

All but the limit and the stock agent do one job: count the events by customer, channel and day, and keep the counts in
Redis, in the hash `<prefix><customer>`, field `<channel>:<day>`. The benchmark adds these up after each run. None of
them knows of duplicates, bands, alerts, drops by silence or bad records.

Each is a process that prints one line of JSON: `events`, and `seconds` from the first record to the last count stored.
"""
