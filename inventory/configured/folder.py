"""The folder in which fetched configurations lie: text for people and git, and the facts in it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from inventory.configured.facts import Configured
from inventory.files.reading import LIMIT_BYTES
from inventory.findings import Finding
from inventory.words import _

FOLDER = "fetched"
"""Below the inventory's own folder."""
RUNNING, STARTUP, FACTS = ".running.conf", ".startup.conf", ".facts.json"


class Kept(NamedTuple):
    """What is kept of one device."""

    text: str
    """Its running configuration, with its secrets hidden."""
    facts: Configured


class Fetched(NamedTuple):
    """What is kept of all devices, and what cannot be read of it."""

    kept: Mapping[str, Kept]
    findings: tuple[Finding, ...]


def running_file(folder: Path, device: str) -> Path:
    """Return where the running configuration of a device of an inventory is kept."""
    return folder / FOLDER / f"{device}{RUNNING}"


def startup_file(folder: Path, device: str) -> Path:
    """Return where the configuration is kept that the device would start with."""
    return folder / FOLDER / f"{device}{STARTUP}"


def facts_file(folder: Path, device: str) -> Path:
    """Return where the facts in a device's running configuration are kept."""
    return folder / FOLDER / f"{device}{FACTS}"


def digest_of(text: str) -> str:
    """Return the digest by which facts are bound to the text that they were read from."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_fetched(folder: Path) -> Fetched:
    """Read all that is kept beside an inventory; nothing where nothing was ever fetched."""
    kept: dict[str, Kept] = {}
    findings: list[Finding] = []
    for path in sorted((folder / FOLDER).glob(f"*{FACTS}")):
        device = path.name.removesuffix(FACTS)
        found = _read(folder, device, path)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            kept[device] = found
    return Fetched(kept, tuple(findings))


def _read(folder: Path, device: str, path: Path) -> Kept | Finding:
    running = running_file(folder, device)
    try:
        facts = Configured.model_validate_json(_content(path, folder))
        text = _content(running, folder)
    except ValidationError:
        return _wrong(path, _("these are not the facts that 'zhenghe net fetch' writes"))
    except (OSError, ValueError) as exc:
        return _wrong(path, _("it cannot be read with its configuration: {said}").format(said=exc))
    if facts.device != device or facts.digest != digest_of(text):
        return _wrong(running, _("this is not the text that its facts were read from"))
    return Kept(text, facts)


def _content(path: Path, folder: Path) -> str:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(_("this link leads out of the inventory's folder"))
    if path.stat().st_size > LIMIT_BYTES:
        raise ValueError(_("the file is larger than {limit} MiB").format(limit=LIMIT_BYTES // 1024 // 1024))
    return path.read_text(encoding="utf-8")


def _wrong(path: Path, reason: str) -> Finding:
    mend = _("fetch it again: zhenghe net fetch")
    return Finding(file=path, line=0, column=0, field="", reason=reason, mend=mend, rule="configured")
