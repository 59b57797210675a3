"""Survey sheets of departments: read into entries, merged into an inventory, and written anew for the next round."""
