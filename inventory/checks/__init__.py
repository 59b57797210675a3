"""Checks of an inventory for faults and gaps: every check looks at the documents as written."""
