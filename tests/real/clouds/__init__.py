"""A package, so that the laboratory lives as long as the tests of this folder."""
