"""The policy in force, its file, the policies that come along, and what another policy would move."""
