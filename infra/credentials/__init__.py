"""Where secrets are kept, and how a reference to one is resolved; not `secrets`, which is Python's own module."""
