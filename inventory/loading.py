"""Reads a folder of YAML files into one programme, or says everything that is wrong with it."""

from pathlib import Path

from inventory.checking import check
from inventory.findings import InventoryErrors
from inventory.model import Programme


def load_programme(folder: Path) -> Programme:
    """Read and check an inventory; InventoryErrors with every finding where it has errors."""
    result = check(folder)
    if result.programme is None:
        raise InventoryErrors(result.findings)
    return result.programme
