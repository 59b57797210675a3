"""Dispositions of systems and lines, by rules that cite a clause."""
