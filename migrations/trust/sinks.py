"""Where signed heads are sent as they are made, off this machine: what was sent cannot be taken back here.

ZHENGHE_EVIDENCE_SINK is `syslog`, `file:/path`, or `command:words`, which reads each head from its standard input.
"""

import os
import shlex
import subprocess
import syslog
from collections.abc import Mapping

from inventory.plain import one_line
from inventory.words import _

VARIABLE = "ZHENGHE_EVIDENCE_SINK"
PATIENCE = 10.0
"""Seconds that a command may take; the evidence waits for it."""


def send(text: str, signature: str, environment: Mapping[str, str] = os.environ) -> str:
    """Send a head and its signature where the environment says; return where it went, or why it did not."""
    kind, _colon, rest = environment.get(VARIABLE, "").partition(":")
    whole = text + signature
    try:
        if kind == "syslog":
            syslog.openlog("zhenghe", 0, syslog.LOG_AUTHPRIV)
            syslog.syslog(syslog.LOG_NOTICE, one_line(text.replace("\n", "; ")))
        elif kind == "file":
            with os.fdopen(os.open(rest, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file:
                file.write(whole)
        elif kind == "command":
            command = shlex.split(rest)
            subprocess.run(command, input=whole, text=True, timeout=PATIENCE, check=True, capture_output=True)
        elif kind:
            return _("not sent: there is no sink '{kind}'").format(kind=kind)
    except (OSError, ValueError, subprocess.SubprocessError) as exc:
        return _("not sent: {why}").format(why=one_line(str(exc), 300))
    return kind
