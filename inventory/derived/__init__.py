"""What follows from a programme without being written in it: hosts, addresses, interfaces, groups."""
