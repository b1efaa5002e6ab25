"""The environment, the secrets, and where the policy comes from."""
