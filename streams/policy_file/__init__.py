"""From the text of a policy file to a policy, or to every problem in it."""
