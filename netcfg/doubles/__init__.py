"""Doubles of vendors' devices: strict as the manuals, with a state, and with the faults that devices have.

They know nothing of the rest of `netcfg`: whoever is tried against them is not tried against itself.
"""
