"""Reads a folder of YAML files into one programme, or says everything that is wrong with it."""

from pathlib import Path

from inventory.checks.checking import check
from inventory.files.shapes import read_draft
from inventory.findings import InventoryErrors, Severity
from inventory.model import Programme


def load_programme(folder: Path) -> Programme:
    """Read and check an inventory; InventoryErrors with every finding where it has errors."""
    result = check(folder)
    if result.programme is None:
        raise InventoryErrors(result.findings)
    return result.programme


def read_programme(folder: Path) -> Programme:
    """Read an inventory whose fields are right, without asking whether its parts fit each other; otherwise as above."""
    draft = read_draft(folder)
    every = (*draft.findings, *(draft.shapes.missing(draft.documents, draft.lost) if draft.documents else ()))
    if any(finding.severity is Severity.ERROR for finding in every):
        raise InventoryErrors(every)
    return draft.shapes.programme()
