"""What single cells say: dates, quantities with units, and values by the type of their column."""
