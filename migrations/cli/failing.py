"""How an error is told: one line with the mend, an exit status, and never a traceback."""

import errno
import json
import os
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import typer
from typer.exceptions import TyperException

from infra.twin.paths import state_root
from inventory.errors import ZhengheError
from inventory.words import _
from migrations.cli import saying
from migrations.cli.help import wrong_use

MENDS = {
    errno.ENOSPC: "there is no room left for {file}; make room, and call the same command again: it goes on",
    errno.EDQUOT: "the quota leaves no room for {file}; make room, and call the same command again: it goes on",
    errno.EROFS: "{file} can only be read; mount it for writing, or set ZHENGHE_STATE to a folder that can be written",
    errno.EIO: "the disk of {file} fails; mend it, and call the same command again: it goes on",
    errno.EMFILE: "too many files are open at {file}; raise the limit (ulimit -n), and call the same command again",
}
"""What is told where it is this machine that must be mended."""


def explained(error: Exception) -> int:
    """Tell an error and return the exit status that it means."""
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, typer.Abort):
        say_error(_("stopped; call the same command again and it goes on where it was"))
        return 130
    if isinstance(error, TyperException):
        return _told(wrong_use(error), 2)
    if isinstance(error, ZhengheError):
        return _refused(error)
    return _told(_unforeseen(error), 2)


def _unforeseen(error: Exception) -> str:
    if isinstance(error, PermissionError):
        text = _("{file} is not this user's; run the command as root, or set ZHENGHE_STATE to a folder of your own")
        return text.format(file=error.filename)
    if isinstance(error, OSError) and error.errno in MENDS:
        return _(MENDS[error.errno]).format(file=error.filename or state_root())
    if isinstance(error, OSError) and error.filename and error.strerror:
        text = _("{file} cannot be used ({why}); put it back from a copy or as it was, and call the same command again")
        return text.format(file=error.filename, why=error.strerror)
    text = _("this should not have happened: {error}; the particulars are in {log}: please report them")
    return text.format(error=error, log=_logged(error))


def _refused(error: ZhengheError) -> int:
    from inventory.findings import InventoryErrors, written

    if not isinstance(error, InventoryErrors):
        return _told(str(error), 2, error.parts())
    if _wants_json():
        told = {"findings": [each.model_dump(mode="json") for each in error.findings]}
        saying.say(json.dumps(told, ensure_ascii=False))
    say_error(written(error.findings))
    return 2


def _told(text: str, code: int, parts: Mapping[str, str] | None = None) -> int:
    if _wants_json():
        # Where standard output takes nothing, the sentence is said all the same.
        with suppress(saying.NotSaid):
            saying.say(json.dumps({"error": text, **(parts or {})}, ensure_ascii=False))
    say_error(text)
    return code


def _wants_json() -> bool:
    return "--json" in sys.argv[1:]


def say_error(text: str) -> None:
    """Say something where errors are said."""
    saying.say(text, error=True)


def _logged(error: Exception) -> Path:
    log = state_root() / "logs" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    text = "".join(traceback.format_exception(error))
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text)
    except OSError:
        log = Path(f"/tmp/zhenghe-{os.getpid()}.log")  # noqa: S108
        log.write_text(text)
    return log
