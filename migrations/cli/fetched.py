"""The commands about devices' configurations: fetch, keep, compare, seal."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.text import Text

from infra.twin.paths import state_root
from inventory.configured.folder import FOLDER, Kept, read_fetched
from inventory.loading import load_programme, read_programme
from inventory.model import Device, Line, Programme
from inventory.plain import plain
from inventory.words import _
from migrations.actuators.devices import device_sessions
from migrations.cli import saying
from migrations.cli.help import WrongUse, inventory_folder
from migrations.cli.wanted import world_at
from netcfg.fetched.differing import Shown, difference, effect
from netcfg.fetched.fetching import Full, Unfetched, fetch
from netcfg.fetched.hiding import Hiding, hiding_in
from netcfg.fetched.keeping import keep
from netcfg.fetched.language import load_language
from netcfg.fetched.planned import planned
from netcfg.fetched.reading import facts_of
from netcfg.fetched.sealing import Backups
from netcfg.intent import LineStage
from netcfg.platforms import load_platform

COLOURS = {"+": "green", "-": "red", " ": "dim"}


def fetch_devices(folder: Path, world_file: Path, names: Sequence[str], *, as_json: bool) -> int:
    """Fetch devices and keep what they have beside the inventory; 1 where one could not be fetched."""
    # An inventory that the last fetch contradicts has to be fetched anew: only its fields need be right.
    folder, devices = _meant(folder, names)
    hiding = _hiding()
    told: list[dict[str, Any]] = []
    for found in _fetched(world_file, devices, quiet=as_json):
        language = load_language(found.platform) if isinstance(found, Full) else None
        if isinstance(found, Unfetched):
            told.append(_unknown(found.device, found.reason))
        elif language is None:
            reason = _("the language of platform {platform} is not known, nor where its secrets stand; nothing is kept")
            told.append(
                {"device": found.device, "became": "not known", "reason": reason.format(platform=found.platform)}
            )
        else:
            kept = keep(folder, found, language, hiding)
            told.append({"device": found.device, "became": kept.became, "saved": kept.facts.saved})
    _say(told, "devices", as_json=as_json)
    if not as_json:
        saying.say(_("kept in {folder}; hold it against the inventory: zhenghe check").format(folder=folder / FOLDER))
    return 1 if any(each["became"] == "not known" for each in told) else 0


def show_drift(folder: Path, world_file: Path, names: Sequence[str], *, as_json: bool) -> int:
    """Compare devices with what was fetched last; 1 where one has changed or is not known."""
    folder, devices = _meant(folder, names)
    kept = _kept(folder).kept
    hiding = _hiding()
    told: list[dict[str, Any]] = []
    for found in _fetched(world_file, devices, quiet=as_json):
        if isinstance(found, Unfetched):
            told.append(_unknown(found.device, found.reason))
        elif found.device not in kept:
            reason = _("it was never fetched: nobody knows what it had")
            told.append(_unknown(found.device, reason))
        else:
            told.append(_drifted(found, kept[found.device], hiding))
    _say(told, "devices", as_json=as_json)
    return 1 if any(each["became"] != "same" for each in told) else 0


def _drifted(found: Full, kept: Kept, hiding: Hiding) -> dict[str, Any]:
    language, platform = load_language(found.platform), load_platform(found.platform)
    assert language is not None
    now = hiding.kept(language, found.told)
    lines = difference(platform, *(_comparable(text, kept, hiding) for text in (kept.text, now)))
    if not lines:
        return {"device": found.device, "became": "same", "saved": found.saved}
    sentence = effect(kept.facts, facts_of(found.device, platform, now))
    return {"device": found.device, "became": "changed", "saved": found.saved, **_shown(lines, sentence)}


def _comparable(text: str, kept: Kept, hiding: Hiding) -> str:
    """Return a text in which secrets count only where both were hidden with the same key."""
    return text if kept.facts.key == hiding.name else hiding.tagless(text)


def show_planned(folder: Path, names: Sequence[str], until: str, *, as_json: bool) -> int:
    """Show what the moves of lines change on each device that was fetched; 1 where one was not."""
    folder, words = _split(folder, names)
    stages = [stage.value for stage in LineStage]
    if until not in stages:
        reason = _("there is no stage '{stage}'").format(stage=until)
        raise WrongUse(reason, _("one of: {words}").format(words=", ".join(stages)))
    programme = load_programme(folder)
    lines = _lines(programme, words)
    kept = _kept(folder).kept
    after = planned(programme, lines, {name: each.text for name, each in kept.items()}, LineStage(until))
    told: list[dict[str, Any]] = []
    for device in _touched(programme, lines):
        if device.name not in kept:
            reason = _("it was never fetched: nobody knows what would change there")
            told.append(_unknown(device.name, reason))
            continue
        platform, before = load_platform(device.platform), kept[device.name]
        shown = difference(platform, before.text, after[device.name])
        sentence = effect(before.facts, facts_of(device.name, platform, after[device.name]))
        told.append({"device": device.name, "became": "changed" if shown else "same", **_shown(shown, sentence)})
    _say(told, "devices", as_json=as_json)
    return 1 if any(each["became"] == "not known" for each in told) else 0


def back_up(folder: Path, world_file: Path, names: Sequence[str], *, as_json: bool) -> int:
    """Seal the whole configurations of devices; 1 where one could not be fetched."""
    folder, devices = _meant(folder, names)
    backups = _backups(world_file)
    told: list[dict[str, Any]] = []
    for found in _fetched(world_file, devices, quiet=as_json):
        if isinstance(found, Unfetched):
            told.append(_unknown(found.device, found.reason))
        else:
            sealed = backups.seal(found, datetime.now(UTC))
            became = "new" if sealed.new else "same"
            told.append({"device": found.device, "became": became, "backup": sealed.running, "saved": found.saved})
    _say(told, "devices", as_json=as_json)
    if not as_json:
        saying.say(_("they are sealed, for secrets are in them; zhenghe net backup --show NAME opens one"))
    return 1 if any(each["became"] == "not known" for each in told) else 0


def show_backup(world_file: Path, name: str) -> int:
    """Print a backup with all that is in it; WrongUse where there is none of the name."""
    backups = _backups(world_file)
    text = backups.read(name)
    if text is None:
        reason = _("there is no backup '{name}'").format(name=name)
        raise WrongUse(reason, _("they are: {known}").format(known=", ".join(backups.names()) or "-"))
    saying.say(text, end="")
    return 0


def _backups(world_file: Path) -> Backups:
    return Backups(state_root() / "backups" / world_at(world_file).name, state_root() / "keys" / "backups")


def _unknown(device: str, reason: str) -> dict[str, Any]:
    return {"device": device, "became": "not known", "reason": reason}


def _split(folder: Path, names: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """Return the inventory's folder and the names; the folder may be left out before names."""
    if folder != Path() and not folder.is_dir() and len(folder.parts) == 1:
        return inventory_folder(Path()), (str(folder), *names)
    return inventory_folder(folder), tuple(names)


def _meant(folder: Path, names: Sequence[str]) -> tuple[Path, tuple[Device, ...]]:
    """Return the folder and the devices that are named; WrongUse for a name that is none."""
    folder, words = _split(folder, names)
    every = read_programme(folder).network.devices
    # At others' devices nobody of the programme logs in.
    devices = {device.name: device for device in every if not device.operated_by}
    if unknown := [word for word in words if word not in devices]:
        reason = _("'{name}' is no device of the inventory").format(name=unknown[0])
        raise WrongUse(reason, _("they are: {known}").format(known=", ".join(sorted(devices))))
    return folder, tuple(devices[name] for name in (dict.fromkeys(words) or sorted(devices)))


def _lines(programme: Programme, names: Sequence[str]) -> tuple[Line, ...]:
    moving = {line.name: line for line in programme.network.lines if line.domain and not line.golden_project}
    if unknown := [name for name in names if name not in moving]:
        reason = _("'{name}' is not a line that moves").format(name=unknown[0])
        raise WrongUse(reason, _("they are: {known}").format(known=", ".join(sorted(moving))))
    return tuple(moving[name] for name in (names or sorted(moving)))


def _touched(programme: Programme, lines: Iterable[Line]) -> tuple[Device, ...]:
    ends = {end for line in lines for end in line.ends or ()}
    return tuple(device for device in programme.network.devices if device.name in ends and not device.operated_by)


def _kept(folder: Path) -> Any:
    fetched = read_fetched(folder)
    if not fetched.kept:
        reason = _("nothing is kept in {folder}").format(folder=folder / FOLDER)
        raise WrongUse(reason, _("fetch it first: zhenghe net fetch --world FILE"))
    return fetched


def _fetched(world_file: Path, devices: Sequence[Device], *, quiet: bool) -> tuple[Full | Unfetched, ...]:
    def tell(device: str) -> None:
        if not quiet:
            saying.say(_("{device} …").format(device=device), error=True)

    return fetch(device_sessions(world_at(world_file)), devices, tell)


def _hiding() -> Hiding:
    return hiding_in(state_root() / "keys")


def _shown(lines: Sequence[Shown], sentence: str) -> dict[str, Any]:
    return {"effect": sentence, "lines": [f"{line.sign}{line.text}" for line in lines]}


def _say(told: Sequence[dict[str, Any]], key: str, *, as_json: bool) -> None:
    if as_json:
        saying.say(json.dumps({key: list(told)}, ensure_ascii=False))
        return
    words = {
        "new": (_("new"), "green"),
        "changed": (_("changed"), "yellow"),
        "same": (_("as before"), "dim"),
        "not known": (_("not known"), "bold magenta"),
    }
    console = saying.console()
    for each in told:
        word, style = words[each["became"]]
        why = "".join(f": {each[key]}" for key in ("reason", "backup") if key in each)
        unsaved = "" if each.get("saved", True) else "; " + _("it runs with something else than it would start with")
        console.print(Text.assemble((each["device"], "bold"), " ", (word, style), plain(why), unsaved), soft_wrap=True)
        if each.get("effect"):
            console.print(Text(f"  {each['effect']}"), soft_wrap=True)
        for line in each.get("lines", ()):
            console.print(Text(f"  {line[0]} {line[1:]}", COLOURS[line[0]]), soft_wrap=True)
