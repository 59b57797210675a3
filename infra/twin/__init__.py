"""The twin: a local copy of a district, of real parts, in namespaces of its own."""
