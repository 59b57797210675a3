"""What runs on a host for one task of a step: carries one verb out and says how it came out.

The action plugin `on_host` sends a kind's `roles/KIND/files/verbs.py`, in the way of `bootstrap.py`. That file has one
function, `carry_out(given)`: it takes the task's arguments and returns the task's result. What cannot be done is an
error with `reason` and `mend`. The last line of the output is the result as JSON.

Runs under Python 3.9 with the standard library alone.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from typing import Any


def answer(verbs: str, given: dict[str, Any]) -> None:
    """Carry a verb out by the module of a name and print the result, a refusal too."""
    output = sys.stdout
    # A kind's code may print; that must not get among the result.
    sys.stdout = sys.stderr
    print(json.dumps(result(verbs, given)), file=output, flush=True)


def result(verbs: str, given: dict[str, Any]) -> dict[str, Any]:
    """Carry a verb out by the module of a name and return the result, a refusal too."""
    try:
        found: dict[str, Any] = importlib.import_module(verbs).carry_out(given)
        return found
    except Exception as exc:  # noqa: BLE001 - the controller has to hear of everything
        reason = getattr(exc, "reason", "")
        if reason:
            return {"failed": True, "msg": reason, "mend": getattr(exc, "mend", "")}
        return {"failed": True, "msg": f"{type(exc).__name__}: {exc}", "exception": traceback.format_exc()}
