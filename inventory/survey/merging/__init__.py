"""Merges entries into the folder of an inventory, where what people wrote stays."""
