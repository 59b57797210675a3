"""What stays on a host for a run, so that a verb costs neither a connection, nor Python's start, nor its own reading.

Started by the command of `infra/sudo.py` like all else. It answers one line with one line, in their order:

    > {"texts": {digest: text}, "modules": {name: digest}, "given": {...}}    carry one verb out
    < {"changed": true, ...}                                                  its result (oneshot.py)
    >                                                                         an empty line
    <                                                                         it is there

`texts` are those that it does not have yet. Each verb is carried out by a child of its own, so nothing of it is left
in the next one's; a child whose controller is gone goes on to its end, as a verb that was sent by itself does.

Runs under Python 3.9 with the standard library alone.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType

    Finder = Callable[[Mapping[str, str], Mapping[str, CodeType]], Any]

USUAL = ("hashlib", "pathlib", "re", "shutil", "socket", "subprocess", "tempfile", "threading", "traceback", "typing")
"""What nearly every verb imports, for all of them at once."""


def reside(verbs: str, finder: Finder) -> None:
    """Answer until the controller is gone; a `finder` finds modules by their texts and what was compiled of them."""
    os.chdir("/")
    for name in USUAL:
        importlib.import_module(name)
    known: dict[str, tuple[str, CodeType]] = {}
    for line in sys.stdin.buffer:
        if line.strip():
            _carry_out(verbs, finder, json.loads(line), known)
        else:
            _say(b"")


def _carry_out(verbs: str, finder: Finder, request: dict[str, Any], known: dict[str, tuple[str, CodeType]]) -> None:
    for name, digest in request["modules"].items():
        if digest in request["texts"]:
            text = request["texts"][digest]
            known[digest] = text, compile(text, name, "exec")
    child = os.fork()
    if child == 0:
        modules = {name: known[digest] for name, digest in request["modules"].items()}
        texts = {name: text for name, (text, _code) in modules.items()}
        _be_the_verb(verbs, finder(texts, {name: code for name, (_text, code) in modules.items()}), request["given"])
    status = os.waitpid(child, 0)[1]
    if status:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        why = f"ended by signal {number}" if number else f"python3 ended with {os.WEXITSTATUS(status)}"
        _say(json.dumps({"failed": True, "msg": why}).encode())


def _be_the_verb(verbs: str, found: Any, given: dict[str, Any]) -> None:
    status = 1
    try:
        # Whatever a verb starts neither reads our requests nor writes among our answers.
        answers = os.dup(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        sys.meta_path.insert(0, found)
        result = importlib.import_module("playbooks.agents.oneshot").result(verbs, given)
        with os.fdopen(answers, "wb") as stream:
            _write(stream, json.dumps(result).encode())
        status = 0
    finally:
        os._exit(status)


def _say(line: bytes) -> None:
    _write(sys.stdout.buffer, line)


def _write(stream: BinaryIO, line: bytes) -> None:
    stream.write(line + b"\n")
    stream.flush()
