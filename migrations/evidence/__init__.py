"""What was seen, by whom, when: the chain of records, and how far the units have come by it."""
