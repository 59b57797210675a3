"""Runs inside of the laboratory by the Python of its image, which has none of the product's packages."""
