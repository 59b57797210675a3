"""The engine of a run, Temporal: server, worker, workflows, and what keeps them alive."""
