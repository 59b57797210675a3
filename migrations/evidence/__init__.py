"""Evidence: the chain of records of what was seen, by whom and when, and how far the units have come by it."""
