"""What the verbs of several kinds have in common."""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import Any, Iterator


def seconds(value: Any) -> float:
    """Return a duration in seconds, written as a number or as a number with a unit."""
    if not isinstance(value, str):
        return float(value)
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    digits = value.rstrip("mshd")
    return float(digits) * units.get(value[len(digits) :], 1.0)


@contextlib.contextmanager
def alone(given: dict[str, Any]) -> Iterator[None]:
    """Be the only one that works on a component of a system on this host."""
    Path("/run/zhenghe").mkdir(exist_ok=True)
    name = f"{given['system']}-{given['component']['name']}"
    with open(f"/run/zhenghe/step-{name}.lock", "w") as lock:
        # A verb that was left alone by its controller may still be at work.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def answer(done: bool, changed: bool = False, **facts: Any) -> dict[str, Any]:  # noqa: FBT001, FBT002
    """Return a task's result with its answer to the step."""
    return {"changed": changed, "answer": {"state": "done" if done else "not-done", "facts": facts}}
