"""A run: one plan carried out in one world by Temporal, through the death of any process."""
