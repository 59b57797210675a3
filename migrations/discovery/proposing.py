"""Makes the changes of an inventory that follow from what was discovered; a person agrees to them before."""

from collections.abc import Sequence
from pathlib import Path

from inventory.survey.merging.folder import Change, Folder
from migrations.discovery.judging import Dependency


def proposals(folder: Path, dependencies: Sequence[Dependency]) -> tuple[Change, ...]:
    """Return what has to be written so that systems say what they depend on; InventoryErrors as by reading."""
    inventory = Folder(folder)
    systems = {part.name: part for part in inventory.parts if part.kind == "system"}
    for each in dependencies:
        values = systems[each.system].values
        values["depends_on"] = [*(values.get("depends_on") or ()), each.needs]
    return inventory.changes()
