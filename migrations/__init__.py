"""The room of the plan and its run: planning, carrying out, proving, telling."""
