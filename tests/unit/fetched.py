"""Keeps configurations beside an inventory as `zhenghe net fetch` does, without devices."""

import shutil
from pathlib import Path

from infra.twin.routers import surveyed_configuration
from inventory.checks.checking import check
from inventory.derived.wiring import interfaces
from inventory.findings import Finding
from inventory.model import Programme
from netcfg.fetched.fetching import Full, interfaces_told
from netcfg.fetched.hiding import Hiding
from netcfg.fetched.keeping import KeptDevice, keep
from netcfg.fetched.language import load_language

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
HIDING = Hiding(b"k" * 32)


class District:
    """A copy of the example with what its devices are configured with, as surveyed until a test says otherwise."""

    def __init__(self, folder: Path, programme: Programme, source: Path = YUNHE) -> None:
        self.folder = Path(shutil.copytree(source, folder))
        self.texts = {
            device.name: surveyed_configuration(programme, device.name) for device in programme.network.devices
        }
        self.platforms = {device.name: device.platform for device in programme.network.devices}
        self.wires: dict[str, list[str]] = {}
        for wire in interfaces(programme):
            if wire.kind != "site":
                self.wires.setdefault(wire.device, []).append(f"{wire.name}@if7 UP {wire.address}")
        for device in self.texts:
            self.fetch(device)

    def fetch(self, device: str, *, startup: str | None = None, hiding: Hiding = HIDING) -> KeptDevice:
        platform, text = self.platforms[device], self.texts[device]
        language = load_language(platform)
        assert language is not None
        beside = interfaces_told("\n".join(self.wires[device])) if language.beside else ""
        full = Full(device, platform, text, startup if startup is not None else text, beside)
        return keep(self.folder, full, language, hiding)

    def alter(self, device: str, *changes: tuple[str, str]) -> KeptDevice:
        """Configure a device otherwise, and fetch it."""
        for old, new in changes:
            assert old in self.texts[device], old
            self.texts[device] = self.texts[device].replace(old, new, 1)
        return self.fetch(device)

    def edit(self, file: str, old: str, new: str) -> None:
        """Change a file of the inventory."""
        path = self.folder / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    def findings(self) -> tuple[Finding, ...]:
        """Return what the check says about devices' configurations."""
        return tuple(each for each in check(self.folder).findings if each.rule == "configured")

    def told(self) -> tuple[str, ...]:
        """Return the same as text, with the line of the file that it is about."""
        return tuple(f"{each.field}: {each.reason}" for each in self.findings())

    def line_of(self, finding: Finding) -> str:
        """Return the line that a finding points at."""
        return finding.file.read_text().splitlines()[finding.line - 1].strip()
