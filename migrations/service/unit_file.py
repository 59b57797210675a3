"""The systemd unit by which the service starts with the machine."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from inventory.errors import ZhengheError
from inventory.words import _

NAME = "zhenghe.service"
FOLDER = Path("/etc/systemd/system")
PASSED_ON = ("ZHENGHE_STATE", "ZHENGHE_CACHE", "ZHENGHE_APPROVERS", "ZHENGHE_EVIDENCE_SINK", "LANGUAGE", "LANG", "PATH")
"""What the service has of the environment of whoever installs it."""
_TEXT = """[Unit]
Description=Zhenghe: carries on with migrations, and looks after what was moved
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
{environment}WorkingDirectory=/
User={user}
UMask=0077
Restart=always
RestartSec=2
KillMode=control-group
TimeoutStopSec=20

[Install]
WantedBy=multi-user.target
"""


class NotInstalled(ZhengheError):
    """The unit could not be put in place or started; says why."""


def unit_text(command: Iterable[str], environment: Mapping[str, str], user: str) -> str:
    """Return the unit's file for a command, with those words of an environment that matter."""
    passed = [_word(f"{name}={environment[name]}") for name in PASSED_ON if name in environment]
    words = " ".join(_word(each, dollar=True) for each in command)
    lines = "".join(f"Environment={each}\n" for each in passed)
    return _TEXT.format(command=words, environment=lines, user=user)


def install(text: str, folder: Path = FOLDER, start: Iterable[str] = ("systemctl",)) -> Path:
    """Put the unit in place, have it start with the machine, and start it now, anew where it runs; NotInstalled."""
    place = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = place.with_name(f".{NAME}.{os.getpid()}")
        scratch.write_text(text)
        scratch.chmod(0o644)
        scratch.replace(place)
        for words in (("daemon-reload",), ("enable", "--quiet", NAME), ("restart", NAME)):
            subprocess.run([*start, *words], check=True, capture_output=True, text=True, timeout=60)
    except OSError as exc:
        raise NotInstalled(_("the unit cannot be installed: {why}; call it as root").format(why=exc)) from exc
    except subprocess.SubprocessError as exc:
        said = str(getattr(exc, "stderr", "") or exc).strip().splitlines()
        text = _("{place} is written, and systemd does not start it: {why}; see: systemctl status {name}")
        raise NotInstalled(text.format(place=place, why=said[-1] if said else exc, name=NAME)) from exc
    return place


def _word(text: str, *, dollar: bool = False) -> str:
    """Quote one word for a unit's file; a command's words may name variables, and are not to."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{quoted.replace("$", "$$") if dollar else quoted}"'
