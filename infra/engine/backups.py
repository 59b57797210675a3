"""Copies of a site's state from before each run that may change it, and files by which a site is handed over."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_KEPT = 30
_SEALED = "4dabf18193072939515e22adb298388d"
"""By this key a state says that a value is of another kind than it looks (Pulumi's own signature)."""
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 -- the kind of a value that is sealed, no secret


def keep(folder: Path, deployment: Mapping[str, Any], now: datetime | None = None) -> Path | None:
    """Keep a deployment if it differs from the last one that was kept, and the newest thirty; return its file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    earlier = sorted(folder.glob("*.json"))
    text = json.dumps({"version": 3, "deployment": deployment}, indent=1, sort_keys=True)
    if earlier and earlier[-1].read_text() == text:
        return None
    file = folder / f"{now or datetime.now(tz=UTC):%Y%m%dT%H%M%S.%f}.json"
    write(file, text)
    for old in [*earlier, file][:-_KEPT]:
        old.unlink()
    return file


def write(file: Path, text: str) -> None:
    """Write a file that only we may read, in one piece."""
    scratch = file.with_name(f".{file.name}.new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    scratch.replace(file)


def portable(deployment: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a deployment that another machine can take, whose passphrase is another; None where it holds secrets."""
    if _holds_secrets(deployment.get("resources") or ()):
        return None
    return {name: value for name, value in deployment.items() if name != "secrets_providers"}


def _holds_secrets(value: object) -> bool:
    if isinstance(value, Mapping):
        return value.get(_SEALED) == _SECRET or any(map(_holds_secrets, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_secrets, value))
