"""Opens whatever file a department sent, and hands its sheets on as grids of cells."""
