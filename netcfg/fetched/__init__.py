"""Devices' real configurations: fetched, kept with hidden secrets, read into facts, compared."""
