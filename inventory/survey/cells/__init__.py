"""Single cells: dates, quantities with units, and values by the type of their column."""
