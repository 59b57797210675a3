"""What devices are really configured with, as `zhenghe net fetch` keeps it beside the inventory."""
