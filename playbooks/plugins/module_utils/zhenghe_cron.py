"""Files of cron that come over from another host: jobs run as ordinary accounts, and cron does nothing odd itself."""

from __future__ import annotations

import pwd
import re
from typing import Iterator

from playbooks.agents.kit import Refused

_SETTING = re.compile(r"^\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$")
_FIELDS = re.compile(r"^\s*(@\w+|(?:\S+\s+){4}\S+)\s+(\S+)\s+(\S.*)$")
_RECEIVER = re.compile(r"[\w.+@,-]*")
ORDINARY = 100
"""From this number on, accounts are not the system's own."""


def see_jobs(path: str, text: str) -> None:
    """See that each job of a file in /etc/cron.d runs as an ordinary account; Refused names the first that does not."""
    for number, line in _lines(text):
        setting = _SETTING.match(line)
        if setting:
            _see_setting(path, number, setting[1], setting[2])
            continue
        fields = _FIELDS.match(line)
        if fields is None:
            raise _refused(path, number, "it is no job of cron's", "mend the line at the source")
        if not _is_ordinary(fields[2]):
            raise _refused(path, number, f"it runs as {fields[2]}")


def see_settings(path: str, text: str) -> None:
    """See that a crontab of an ordinary account has cron itself do nothing odd."""
    for number, line in _lines(text):
        setting = _SETTING.match(line)
        if setting:
            _see_setting(path, number, setting[1], setting[2])


def accounts(text: str) -> set[str]:
    """Return the accounts as which the jobs of a file in /etc/cron.d run."""
    found = (_FIELDS.match(line) for _number, line in _lines(text) if not _SETTING.match(line))
    return {fields[2] for fields in found if fields is not None}


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def _see_setting(path: str, number: int, name: str, value: str) -> None:
    # MAILTO and MAILFROM become arguments of a mailer that root starts.
    if name in {"MAILTO", "MAILFROM"} and not _RECEIVER.fullmatch(value.strip("\"'")):
        raise _refused(path, number, f"{name} is no address")


def _is_ordinary(name: str) -> bool:
    if name in {"root", "0"} or name.isdigit():
        return False
    try:
        return pwd.getpwnam(name).pw_uid >= ORDINARY or name == "www-data"
    except KeyError:
        return False


def _refused(path: str, number: int, why: str, mend: str = "") -> Refused:
    return Refused(
        f"the jobs of {path} are not taken over: line {number}: {why}",
        mend or "give it an account of its own; what only root can do belongs into the image of the new host",
    )
