"""Everything that is wrong with an inventory, in all its files, at once."""

from pathlib import Path
from typing import Any

from inventory.base import Model
from inventory.findings import Finding
from inventory.model import Programme
from inventory.reading import read


class CheckResult(Model):
    """What a check found; the programme is there when there is no error."""

    findings: tuple[Finding, ...]
    programme: Programme | None


def check(folder: Path) -> CheckResult:
    """Read an inventory and collect its findings."""
    whole: dict[str, Any] = {"departments": [], "sites": [], "sizes": [], "systems": []}
    for file in sorted(folder.rglob("*.yaml")):
        raw = read(file.read_bytes())[0][0].plain
        if "system" in raw:
            whole["systems"].append(raw)
            continue
        for key, value in raw.items():
            whole[key] = [*whole[key], *value] if isinstance(value, list) else value
    return CheckResult(findings=(), programme=Programme.model_validate(whole))
