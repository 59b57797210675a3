"""With which fetched configurations a twin's devices can boot."""

from collections.abc import Callable, Mapping
from pathlib import Path

from inventory.configured.folder import Kept, read_fetched
from inventory.words import _
from netcfg.doubles.playable import unplayable

Tell = Callable[[str], None]


def bootable(folder: Path, tell: Tell) -> Mapping[str, Kept]:
    """Return what was fetched of an inventory's devices and a twin can boot; `tell` hears of each that it cannot.

    A vendor's device is played by a double, which takes nothing that it has no words for.
    """
    found: dict[str, Kept] = {}
    for name, kept in read_fetched(folder).kept.items():
        line = unplayable(kept.facts.platform, kept.text)
        if line:
            said = _("{device}: the twin has it as surveyed, for nobody there can play “{line}” of what was fetched")
            tell(said.format(device=name, line=line))
        else:
            found[name] = kept
    return found
