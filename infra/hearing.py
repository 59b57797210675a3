"""Answers of hosts and devices are read up to a limit, by a closed model: they are data, whoever speaks.

Unheard     an answer is too long, no answer at all, or has something in it that nobody asked for
"""

import json
import os
import select
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Annotated, Any, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, JsonValue, StringConstraints, ValidationError

from inventory.errors import ZhengheError
from inventory.plain import plain
from inventory.words import _

MOST = 4 << 20
"""Bytes of one answer, unless somebody expects more."""
COMPLAINT = 1 << 16
"""Bytes that are kept of what is said on the error stream; the last ones, for they tell why it ended."""
DEEP = 24
"""How deep JSON may be nested."""
_PIECE = 1 << 16
_Told = TypeVar("_Told", bound=BaseModel)

Sentence = Annotated[str, AfterValidator(lambda text: plain(text, 2000))]
"""A text for people, made harmless and cut."""


def _harmless(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_harmless(one) for one in value]
    if isinstance(value, dict):
        return {plain(key): _harmless(one) for key, one in value.items()}
    return value


Facts = Annotated[dict[str, JsonValue], AfterValidator(_harmless)]
"""Whatever was seen, for people and reports: nothing of it decides anything."""
Word = Annotated[str, StringConstraints(pattern=r"^[\w.:@/+=-]*$", max_length=200)]


class Unheard(ZhengheError):
    """An answer that cannot be taken; carries the reason in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Heard(NamedTuple):
    """What a command said, and how it ended."""

    status: int
    said: bytes
    complained: str


def hear(command: Sequence[str], given: bytes, seconds: float = 86400.0, most: int = MOST) -> Heard:
    """Run a command with some input; Unheard where it says more than `most` bytes, TimeoutExpired as by subprocess."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            exchange = _Exchange(process, given, most)
            exchange.go_on(seconds)
            status = process.wait(seconds)
        except BaseException:
            process.kill()
            raise
    return Heard(status, bytes(exchange.said), plain(exchange.complained.decode(errors="replace").strip()))


def parsed(said: bytes | str, model: type[_Told]) -> _Told:
    """Read an answer in JSON by a closed model; Unheard where it is something else."""
    try:
        value = json.loads(said, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Unheard(_("the answer is no JSON")) from None
    return taken(value, model)


def taken(value: object, model: type[_Told]) -> _Told:
    """Read what came of JSON by a closed model; Unheard where it is something else."""
    if _deeper(value, DEEP):
        raise Unheard(_("the answer is nested too deep"))
    try:
        return model.model_validate(value)
    except ValidationError as wrong:
        raise Unheard(_("the answer is not one that was asked for: {why}").format(why=_told(wrong))) from None


def limited(stream: IO[bytes], most: int) -> bytes:
    """Read a line; Unheard where it is longer than `most` bytes."""
    line = stream.readline(most + 1)
    if len(line) > most:
        raise Unheard(too_long(most))
    return line


def too_long(most: int) -> str:
    """Say that an answer is longer than it may be."""
    return _("the answer is longer than {most} MiB").format(most=f"{most / (1 << 20):g}")


class _Exchange:
    """Writes what is given and reads what is said, both at once, until a process has closed its streams."""

    def __init__(self, process: "subprocess.Popen[bytes]", given: bytes, most: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._command = process.args
        self._input, self._left, self._most = process.stdin, memoryview(given), most
        self.said, self.complained = bytearray(), bytearray()
        self._listened = {process.stdout.fileno(): self.said, process.stderr.fileno(): self.complained}
        self._poll = select.poll()
        for number in self._listened:
            self._poll.register(number, select.POLLIN | select.POLLHUP)
        self._poll.register(self._input, select.POLLOUT)
        os.set_blocking(self._input.fileno(), False)

    def go_on(self, seconds: float) -> None:
        """Return when both streams are closed; TimeoutExpired where they are not after some time."""
        until = time.monotonic() + seconds
        while self._listened:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(self._command, seconds)
            for number, _event in self._poll.poll(100):
                if number in self._listened:
                    self._hear(number)
                else:
                    self._say()

    def _hear(self, number: int) -> None:
        piece = os.read(number, _PIECE)
        self._listened[number].extend(piece)
        if not piece:
            self._poll.unregister(number)
            del self._listened[number]
        if len(self.said) > self._most:
            raise Unheard(too_long(self._most))
        del self.complained[:-COMPLAINT]

    def _say(self) -> None:
        # Who does not listen any more has said why.
        with suppress(BrokenPipeError):
            self._left = self._left[os.write(self._input.fileno(), self._left[:_PIECE]) :]
            if self._left:
                return
        self._poll.unregister(self._input)
        with suppress(BrokenPipeError):
            self._input.close()


def _deeper(value: Any, most: int) -> bool:
    if most == 0:
        return True
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_deeper(one, most - 1) for one in inside)


def _told(wrong: ValidationError) -> str:
    first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
    return plain(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}", 300)


def _no_number(word: str) -> float:
    raise ValueError(word)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Whichever of two is taken, somebody else takes the other one.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found
