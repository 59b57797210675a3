"""A real OpenStack in namespaces of its own, for tests and rehearsals: its hypervisors boot systemd hosts."""
