"""A vendor's command line as a person has it: prompts of many modes, questions, pages, log lines in between.

It knows no SSH: whatever carries bytes both ways will do. Nothing is sent while an answer is due, and an answer begins
after the echo of its own line, so that what the device says by itself is taken for nobody's answer.
"""

import re
import time
from types import TracebackType
from typing import Protocol, Self

from inventory.plain import one_line
from inventory.words import _
from netcfg.errors import CommandRejected, DeviceUnreachable
from netcfg.platforms import Dialogue, Platform

_ANSWER_SECONDS = 10.0
_MOST = 16 << 20
"""Bytes of one answer."""
_PAGES = 100_000
_ERASED = re.compile(r"(?:\x1b\[\d*D|\x08+) *(?:\x1b\[\d*D|\x08+)")
"""With that a device wipes away the word by which it asked for the next page."""
_MARKS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x00|\x07")


class Stream(Protocol):
    """Carries bytes to a device and back; DeviceUnreachable where it broke off."""

    def send(self, data: bytes) -> None:
        """Send all of it."""

    def heard(self, seconds: float) -> bytes:
        """Return what came, at least a byte; empty where nothing did within the seconds."""

    def close(self) -> None:
        """End it."""


class Terminal:
    """The command line of a device; a context that closes itself."""

    def __init__(self, device: str, platform: Platform, stream: Stream) -> None:
        """Wait for the first prompt, and have the device show whole answers and keep its messages to itself."""
        assert platform.dialogue is not None
        self._device = device
        self._platform = platform
        self._dialogue: Dialogue = platform.dialogue
        self._stream = stream
        self._encoding = "utf-8"
        self._literal = str.maketrans(platform.commands.literal)
        self._prompt = re.compile(self._dialogue.greeting, re.MULTILINE)
        greeting = self._exchange("", _ANSWER_SECONDS)
        found = self._prompt.search(greeting)
        assert found is not None
        self.hostname: str = found["name"]
        """What the device calls itself in its prompt."""
        # The name is part of it, for an answer may end like a prompt.
        known = self._dialogue.prompt.replace("{name}", re.escape(self.hostname))
        self._prompt = re.compile(known, re.MULTILINE)
        for command in self._dialogue.begin:
            self.ask(command)

    def ask(self, command: str, seconds: float = _ANSWER_SECONDS) -> str:
        """Send a line and return the answer, without its echo, the prompt and what the device said of itself."""
        answer = self._exchange(command, seconds)
        log = re.compile(self._dialogue.log)
        lines = [line for line in answer.split("\n")[1:-1] if log.match(line) is None]
        # Behind a prompt a message came, and the prompt once more.
        while lines and (not lines[-1].strip() or self._prompt.fullmatch(lines[-1]) is not None):
            lines.pop()
        return "\n".join(lines)

    def take(self, command: str, seconds: float = _ANSWER_SECONDS) -> str:
        """Send a line and return the answer; CommandRejected where it is a refusal."""
        answer = self.ask(command, seconds)
        refusal = re.search(self._platform.rejected, answer, re.MULTILINE)
        if refusal is not None:
            raise self._rejected(command, refusal[0])
        return answer

    def running(self) -> str:
        """Return the configuration that is in force."""
        return self.ask(self._platform.commands.running)

    def close(self) -> None:
        """End the session; what was typed and not committed goes with it."""
        self._stream.close()

    def _exchange(self, command: str, seconds: float) -> str:
        """Send a line, if there is one, and return all that comes from its echo on until the next prompt."""
        if command:
            self._stream.send((command.translate(self._literal) + "\n").encode(self._encoding))
        echo = re.compile(rf"{re.escape(command)}[ \r]*\n" if command else "")
        limit = time.monotonic() + seconds
        data, kept = b"", ""
        for _page in range(_PAGES):
            text = kept + self._text(data)
            begin = echo.search(text)
            if begin is not None and (end := self._prompt.search(text, begin.end())) is not None:
                return text[begin.start() : end.end()]
            if (word := self._next(command, text)) is not None:
                # What has been answered stands no longer at the end.
                kept, data = (text[: word.begin], b"") if word.wiped else (text + "\n", b"")
                self._stream.send(word.said.encode())
            come = self._stream.heard(max(0.0, limit - time.monotonic()))
            data += come
            if not come or len(data) + len(kept) > _MOST:
                break
        raise DeviceUnreachable(self._device, self._silence(command))

    def _next(self, command: str, text: str) -> "_Word | None":
        """Return what a device has to be told before it goes on; CommandRejected at an unforeseen question."""
        if (more := re.search(self._dialogue.more, text)) is not None:
            return _Word(" ", more.start(), wiped=True)
        asked = re.search(self._dialogue.asking, text)
        if asked is None:
            return None
        for question in self._dialogue.questions:
            if re.search(question.asks, text) is not None:
                return _Word(f"{question.answer}\n", len(text), wiped=False)
        self.close()
        reason = _("it asks “{question}”, which nobody foresaw; it was not answered, and the session was ended")
        line = text.rstrip().rsplit("\n", 1)[-1]
        raise self._rejected(command, reason.format(question=line))

    def _silence(self, command: str) -> str:
        if not command:
            return _("it shows no prompt")
        return _("it gave no whole answer to “{line}”").format(line=self._platform.masked(command))

    def _rejected(self, command: str, reason: str) -> CommandRejected:
        line, why = (self._platform.masked(text) for text in (command, one_line(reason, 500)))
        return CommandRejected(self._device, line, why)

    def _text(self, data: bytes) -> str:
        """Return what was said, in the encoding that the device uses, without what only moves its cursor."""
        text = _decoded(data, self._encoding)
        if text is None:
            self._encoding = "gb18030"
            text = data.decode(self._encoding, errors="replace")
        return _MARKS.sub("", _ERASED.sub("", text)).replace("\r", "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class TerminalShell:
    """What a device without a shell account is asked instead of one: its command line."""

    def __init__(self, platform: Platform, terminal: Terminal) -> None:
        self._platform = platform
        self._terminal = terminal

    def ask(self, command: str) -> str | None:
        """Return what commands print, one to a line, or None where one is refused."""
        try:
            return "\n".join(self._terminal.take(each) for each in command.splitlines())
        except CommandRejected:
            return None


class _Word:
    def __init__(self, said: str, begin: int, *, wiped: bool) -> None:
        self.said, self.begin, self.wiped = said, begin, wiped


def _decoded(data: bytes, encoding: str) -> str | None:
    """Return a text whose last character may not have come whole yet; None where it is in another encoding."""
    if encoding != "utf-8":
        return data.decode(encoding, errors="replace")
    for missing in range(4):
        with_out = data[: len(data) - missing]
        try:
            return with_out.decode()
        except UnicodeDecodeError as error:
            if error.start < len(data) - 3:
                return None
    return None
