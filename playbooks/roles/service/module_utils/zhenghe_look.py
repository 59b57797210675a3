"""What would be lost or left behind of a service at its source: looked for before anything is prepared, and named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_substitution as substitution
from ansible.module_utils.zhenghe_bounds import CRONTABS
from ansible.module_utils.zhenghe_service import Service
from ansible.module_utils.zhenghe_substitution import Inside

from playbooks.agents.kit import Refused


def looked_at(service: Service, component: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return what must be mended before the move, and what a person should know."""
    settings, table = component["settings"], component.get("substitutions", [])
    refused = [f"the job {job} has to do with it and would stay behind: {_mend(job)}" for job in service.undeclared()]
    told = "is a package's own: the target has it by settings.packages"
    reported = [f"{unit} {told}" for unit in service.from_packages()]
    reported += [f"{folder} is left behind; it is made empty on the target" for folder in settings.get("logs", ())]
    rotations = service.rotations(settings.get("logs", ()))
    reported += [f"{path} turns its logs over and stays behind: the target needs one of its own" for path in rotations]
    inside = Inside(settings["root"])
    for path in settings.get("configuration", ()):
        try:
            text = inside.read(path)
            places = substitution.substituted(text, table)[1]
        except Refused as error:
            refused.append(f"{error.reason} ({error.mend})")
            continue
        reported += substitution.told(path, places) or [f"{path}: nothing in it is substituted"]
        reported += [
            f"{path}:{line}: {word} stays as it is: name what it becomes in settings.replace if it means the old host"
            for line, word in substitution.left(text, table)
        ]
    for path in service.needs() if table else ():
        there = Path(path)
        if there.exists():
            reported += substitution.told(path, substitution.substituted(there.read_bytes(), table)[1])
    return refused, reported + _undeclared_files(settings, table, service.stays)


def _mend(job: str) -> str:
    if job.endswith((".socket", ".path")):
        return "units of this kind do not move: have the service or a timer do it, or name it in settings.stays"
    if job.startswith(("/etc/cron.d/", CRONTABS)) or job.endswith(".timer"):
        return "declare it in settings.jobs, cron or crontabs, or in settings.stays"
    return "make a file in /etc/cron.d or a timer of it and declare that, or name it in settings.stays"


def _undeclared_files(settings: dict[str, Any], table: list[dict[str, Any]], stays: frozenset[str]) -> list[str]:
    found = substitution.undeclared(settings["root"], table, settings.get("configuration", ()))
    return [
        f"{path} holds an old address and is not in settings.configuration: it goes along as it is"
        for path in found
        if path not in stays
    ]
