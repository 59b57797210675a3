"""Finds the tables of a grid and makes entries of their rows."""
