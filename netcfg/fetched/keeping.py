"""Keeps fetched configurations beside the inventory; a file that says the same already is not written."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from inventory.base import Model
from inventory.configured.facts import Configured
from inventory.configured.folder import FOLDER, facts_file, read_fetched, running_file, startup_file
from netcfg.fetched.fetching import Full
from netcfg.fetched.hiding import Hiding
from netcfg.fetched.language import Language
from netcfg.fetched.reading import facts_of
from netcfg.platforms import Platform, load_platform
from netcfg.reading import paths

Became = Literal["new", "changed", "same"]


class KeptDevice(Model):
    """What became of the files of one device."""

    device: str
    became: Became
    facts: Configured


def keep(folder: Path, full: Full, language: Language, hiding: Hiding) -> KeptDevice:
    """Write what was fetched of one device into an inventory's folder, with its secrets hidden."""
    platform = load_platform(full.platform)
    earlier = read_fetched(folder).kept.get(full.device)
    same_key = earlier is not None and earlier.facts.key == hiding.name
    running = hiding.kept(language, full.told)
    if earlier is not None and same_key and _same(platform, earlier.text, running):
        # A device may show the same lines in another order after it was started anew.
        running = earlier.text
    startup_path = startup_file(folder, full.device)
    startup = hiding.kept(language, full.startup)
    if startup_path.is_file() and same_key and _same(platform, startup_path.read_text(encoding="utf-8"), startup):
        startup = startup_path.read_text(encoding="utf-8")
    facts = facts_of(full.device, platform, running, key=hiding.name, saved=full.saved)
    files = dict(_files(folder, full.device, running, startup, facts))
    became: Became = "new" if earlier is None else "same"
    (folder / FOLDER).mkdir(exist_ok=True)
    for path, text in files.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            became = "new" if earlier is None else "changed"
            _write(path, text)
    return KeptDevice(device=full.device, became=became, facts=facts)


def _files(folder: Path, device: str, running: str, startup: str, facts: Configured) -> Iterator[tuple[Path, str]]:
    yield running_file(folder, device), running
    yield startup_file(folder, device), startup
    yield facts_file(folder, device), facts.model_dump_json(indent=1, exclude_defaults=True) + "\n"


def _same(platform: Platform, one: str, other: str) -> bool:
    return set(paths(platform, one)) == set(paths(platform, other))


def _write(path: Path, text: str) -> None:
    # A reader sees the old file or the new one; a kill between two files is told by the facts' digest.
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
