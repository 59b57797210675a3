"""From an inventory to a plan: what is to be done, in which scope, and what that changes."""
