"""The service that outlives commands: it carries out what they order, and looks after what was moved."""
