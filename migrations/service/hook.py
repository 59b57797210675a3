"""Tells a monitoring system of troubles: a command is started without a shell and reads JSON from its input."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence

from inventory.plain import one_line
from inventory.words import _

PATIENCE = 30.0
"""Seconds that the command may take."""


def tell(command: Sequence[str], what: Mapping[str, str], warn: Callable[[str], object]) -> None:
    """Start the command with what has happened; one that cannot be started, or fails, is warned of and in no way."""
    if not command:
        return
    try:
        subprocess.run(
            list(command),
            input=json.dumps(what, ensure_ascii=False),
            text=True,
            timeout=PATIENCE,
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.SubprocessError) as exc:
        warn(_("the command on_trouble failed: {why}").format(why=one_line(str(exc), 300)))
