"""Configurations that devices really have, as `zhenghe net fetch` keeps them beside the inventory."""
