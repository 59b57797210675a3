"""The twin: departments' hosts, devices, lines and a small cloud as real parts, in namespaces of their own."""
