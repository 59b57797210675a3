"""Values that follow from a programme without being written in it: hosts, addresses, interfaces, groups."""
