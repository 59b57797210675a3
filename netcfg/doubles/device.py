"""What all doubles share: configurations, time of their own, sessions with echo, pages and questions, faults, users."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence

from netcfg.doubles.forms import Grammar, Lines, Refusal, read

_PAGE = 22
"""Lines."""


class Dropped(ConnectionError):
    """The session, or the way to the device, broke off."""


class Silent(TimeoutError):
    """The device hangs, and answers nothing any more."""


class Full(OSError):
    """The device takes no more sessions."""


class Double:
    """A device with a command line; a subclass is a vendor's. Its configuration is that which it is given, saved."""

    grammar: Grammar
    skipped: str
    """Lines that a configuration is shown with and that say nothing."""
    more = "  ---- More ----"
    wiped = "\x1b[16D" + " " * 16 + "\x1b[16D"
    vtys = 5
    quoting = 0x16
    """The character behind which the next one is only a character; a question mark asks for help otherwise."""
    piecemeal = False
    """Each line acts at once, not several at a commit."""

    def __init__(self, name: str, configuration: str) -> None:
        """Begin with a configuration; Refusal where the device could not have it."""
        self.name = name
        self._running, self._saved = (read(self.grammar, configuration, self.skipped) for _each in range(2))
        self.forwards: Callable[[Lines], None] = lambda _running: None
        """Is told of each configuration before it is in force; Refusal where it cannot be."""
        self.keeps: Callable[[Lines], None] = lambda _saved: None
        """Is told of each configuration that is saved."""
        self.client = "192.0.2.1"
        """Whence the latest of its sessions comes."""
        self.now = 1_000.0
        """Seconds since its start; they pass when somebody says so."""
        self.away = self.full = False
        """It cannot be reached; its disk is full."""
        self.chatter = ""
        """A message that it writes in between to every session that has not asked it not to."""
        self.before: Callable[[str, str], None] = lambda _user, _line: None
        """Is told of each line before it acts; raises Dropped where the session breaks off there."""
        self.after: Callable[[str, str], None] = lambda _user, _line: None
        """Is told of each line when it has acted, before it answers."""
        self.answers: Callable[[str], str | None] = lambda _line: None
        """Answers what it is asked of its neighbours and routes, which are not a double's to know."""
        self.refuses: Callable[[str], str | None] = lambda _line: None
        """Says of a line what it is refused with."""
        self.encoding = "utf-8"
        self.typed: list[tuple[str, str]] = []
        """All lines, with who typed them."""
        self.sessions: list[Session] = []
        self.alone = threading.RLock()

    def open(self, user: str) -> "Session":
        """Open a session; Dropped where it cannot be reached, Full where it has no line left."""
        with self.alone:
            if self.away:
                raise Dropped("no route")
            if len(self.sessions) >= self.vtys:
                raise Full("All user interfaces are used, please try later!")
            session = self.new_session(user)
            self.sessions.append(session)
            return session

    def new_session(self, user: str) -> "Session":
        """Return a session of this vendor's."""
        raise NotImplementedError

    def elapse(self, seconds: float) -> None:
        """Let time pass."""
        with self.alone:
            self.now += seconds
            self.tick()

    def tick(self) -> None:
        """Do what is due."""

    @property
    def running(self) -> Lines:
        """The configuration in force."""
        return self._running

    @running.setter
    def running(self, lines: Lines) -> None:
        self.forwards(lines)
        self._running = lines

    @property
    def saved(self) -> Lines:
        """The configuration to start with."""
        return self._saved

    @saved.setter
    def saved(self, lines: Lines) -> None:
        self.keeps(lines)
        self._saved = lines

    def shown(self, lines: Lines) -> str:
        """Return a configuration as it is shown."""
        raise NotImplementedError

    def forget(self) -> None:
        """Lose what is not saved, configurations apart: what waits for a word, who is alone."""

    def reboot(self) -> None:
        """Start anew, from what was saved."""
        with self.alone:
            self.forget()
            self.hang_up()
            self.running = self.saved.copy()
            self.now = 0.0

    def hang_up(self) -> None:
        """End all sessions at once."""
        with self.alone:
            for session in tuple(self.sessions):
                session.close()


class Session:
    """One session of one user."""

    def __init__(self, device: Double, user: str) -> None:
        self.device = device
        self.user = user
        self.length = _PAGE
        self.quiet = False
        self._line = b""
        self._quoted = False
        self._paged: list[str] = []
        self._asked: Callable[[str], str] | None = None
        self.open = True

    def greeting(self) -> bytes:
        """Return what is shown before the first line."""
        return (self.banner() + self.prompt()).encode(self.device.encoding)

    def banner(self) -> str:
        """Return what is shown before the first prompt."""
        return "\r\n"

    def prompt(self) -> str:
        """Return the prompt."""
        raise NotImplementedError

    def obey(self, line: str) -> str:
        """Do what a line says and return the answer; Refusal where it is refused."""
        raise NotImplementedError

    def close(self) -> None:
        """End the session."""
        self.open = False
        if self in self.device.sessions:
            self.device.sessions.remove(self)

    def ask(self, question: str, then: Callable[[str], str]) -> str:
        """Ask something back; `then` has the answer and goes on."""
        self._asked = then
        return question

    def feed(self, data: bytes) -> bytes:
        """Take what is typed, and return what is shown: the echo, answers, prompts. Dropped where it breaks off."""
        with self.device.alone:
            return "".join(self._shown(data)).encode(self.device.encoding)

    def _shown(self, data: bytes) -> Iterator[str]:
        for byte in data:
            if not self.open:
                raise Dropped("closed")
            if self._paged:
                yield self.device.wiped + self._page()
            elif byte == self.device.quoting and not self._quoted:
                self._quoted = True
            elif byte == ord("?") and not self._quoted:
                yield f"?\r\n  <cr>\r\n{self.prompt()}" + self._line.decode(self.device.encoding, errors="replace")
            elif byte in b"\r\n":
                line, self._line = self._line.decode(self.device.encoding, errors="replace"), b""
                yield f"{line}\r\n" + self._done(line.strip())
            else:
                self._line += bytes((byte,))
                self._quoted = False

    def _done(self, line: str) -> str:
        self.device.typed.append((self.user, line))
        try:
            self.device.before(self.user, line)
        except Silent:
            return ""
        self.device.tick()
        if not self.open:
            raise Dropped("closed")
        answer = self._answer(line)
        self.device.after(self.user, line)
        if not self.open:
            raise Dropped("closed")
        if self._asked is not None:
            return answer
        self._paged = [f"{each}\r\n" for each in answer.split("\n")] if answer else []
        page = self._page()
        if not self.device.chatter or self.quiet or self._paged:
            return page
        # A message breaks in before the answer, and once more behind the prompt, which is then shown again.
        return f"{self.device.chatter}\r\n{page}\r\n{self.device.chatter}\r\n{self.prompt()}"

    def _answer(self, line: str) -> str:
        if self._asked is not None:
            then, self._asked = self._asked, None
            return then(line)
        if not line:
            return ""
        if (refusal := self.device.refuses(line)) is not None:
            return refusal
        try:
            return self.obey(line)
        except Refusal as refusal:
            return str(refusal)

    def _page(self) -> str:
        length = self.length or len(self._paged)
        page, self._paged = self._paged[:length], self._paged[length:]
        return "".join(page) + (self.device.more if self._paged else self.prompt())


def typed_by(device: Double, user: str, *lines: str) -> str:
    """Have another user type lines in a session of his own, and return what he sees."""
    session = device.open(user)
    try:
        return "".join(session.feed(f"{line}\n".encode(device.encoding)).decode(device.encoding) for line in lines)
    finally:
        session.close()


def first(patterns: Sequence[tuple[str, Callable[[re.Match[str]], str]]], line: str) -> str | None:
    """Return what the first fitting pattern makes of a line, None where none fits."""
    for pattern, act in patterns:
        if (found := re.fullmatch(pattern, line)) is not None:
            return act(found)
    return None
