"""A double of Huawei VRP8 in two-phase mode: views, candidates, commits, trials, rollback points, saving."""

import re
from dataclasses import dataclass

from netcfg.doubles.device import Double, Session, first
from netcfg.doubles.forms import TOP, Form, Grammar, Lines, Path, Refusal, nested

_ADDRESS = r"\d+\.\d+\.\d+\.\d+"
_PEER = rf"peer (?P<peer>{_ADDRESS}|[A-Za-z]\S*)"
VRP8 = Grammar(
    no="undo ",
    wrong="                ^\nError: Unrecognized command found at '^' position.",
    absent="Error: The configuration does not exist.",
    unmet="Error: The object is referenced, or does not exist: {line}.",
    forms=(
        Form(TOP, r"sysname (\S+)", key="sysname"),
        Form(TOP, r"interface (?P<name>\S+)", opens="interface"),
        Form("interface", "description (.+)", key="description", away="description"),
        Form("interface", "undo shutdown", negative=True, key="shutdown"),
        Form("interface", "shutdown", key="undo shutdown"),
        Form("interface", r"(?:mtu|speed|duplex|trust|statistic|carrier|device) \S.*|negotiation auto"),
        Form("interface", rf"ip address (?P<address>{_ADDRESS}) (?P<mask>{_ADDRESS})", key="address",
             away=rf"ip address(?: (?P<address>{_ADDRESS}) (?P<mask>{_ADDRESS}))?"),
        Form(TOP, r"bgp (?P<asn>\d+)", opens="bgp"),
        Form("bgp", rf"router-id ({_ADDRESS})", key="router-id", away="router-id"),
        Form("bgp", r"timer keepalive (\d+) hold (\d+)", key="timer", away="timer.*"),
        Form("bgp", r"group (?P<group>\S+) (?:external|internal)"),
        Form("bgp", rf"{_PEER} as-number (?P<asn>\d+)", key=r"as \g<peer>", away=_PEER, sweeps=r"peer \g<peer> "),
        Form("bgp", rf"{_PEER} group (?P<group>\S+)", key=r"group \g<peer>", away=rf"{_PEER} group"),
        Form("bgp", rf"{_PEER} description (.+)", key=r"description \g<peer>", away=rf"{_PEER} description"),
        Form("bgp", rf"{_PEER} ignore"),
        Form("bgp", rf"{_PEER} password (?:cipher|simple) (\S.*)", key=r"password \g<peer>",
             away=rf"{_PEER} password"),
        Form("bgp", "ipv4-family unicast", opens="af"),
        Form("af", "undo synchronization", negative=True),
        Form("af", rf"network {_ADDRESS} {_ADDRESS}"),
        Form("af", rf"{_PEER} enable"),
        Form("af", rf"{_PEER} route-policy (?P<policy>\S+) (?P<way>import|export)", key=r"\g<peer> \g<way>",
             needs=r"route-policy \g<policy> (?:permit|deny) node \\d+"),
        Form(TOP, r"route-policy (?P<name>\S+) (?P<action>permit|deny) node (?P<node>\d+)", opens="policy",
             key=r"policy \g<name> \g<node>", away=r"route-policy (?P<name>\S+)(?: node (?P<node>\d+))?"),
        Form("policy", "description (.+)", key="description", away="description"),
        Form("policy", r"if-match ip-prefix (?P<list>\S+)", key="ip-prefix", away=r"if-match ip-prefix",
             needs=r"ip ip-prefix \g<list> index .*"),
        Form("policy", r"apply local-preference \d+", key="local-preference", away="apply local-preference"),
        Form("policy", r"apply community .+", key="community", away="apply community"),
        Form("policy", r"goto next-node(?: \d+)?", key="goto", away="goto next-node"),
        Form(TOP, rf"ip ip-prefix (?P<name>\S+) index (?P<index>\d+) (?:permit|deny) {_ADDRESS} \d+"
                  r"(?: greater-equal \d+)?(?: less-equal \d+)?",
             key=r"list \g<name> \g<index>", away=r"ip ip-prefix (?P<name>\S+) index (?P<index>\d+)"),
        Form(TOP, rf"ip route-static {_ADDRESS} \S+ \S+.*"),
    ),
    idle=r"(?:undo )?(?:aaa|acl|clock|dns|ftp|header|hwtacacs|info-center|license|lldp|ntp-service|pki|radius|sftp"
    r"|snmp-agent|ssh|stelnet|super|telnet|user-interface)\b.*",
)  # fmt: skip
_SUFFIX = {"bgp": "-bgp", "af": "-bgp-af-ipv4", "policy": "-route-policy"}
_IN_TRIAL = "Error: The system is in trial configuration mode, and another session has it."
_LOCKED = "Error: The configuration has been locked by another user."
_NO_TRIAL = "Error: The trial configuration does not exist."
_QUESTION = b"\x16?"
_LONGEST = 65535
_SHORTEST = 60


@dataclass
class _Trial:
    session: "Vrp8Session | None"
    persist: str
    until: float
    before: Lines


class Vrp8(Double):
    """A device."""

    grammar = VRP8
    skipped = r"\s*(?:[#!].*|return)?\s*"

    def __init__(self, name: str, configuration: str) -> None:
        super().__init__(name, configuration)
        self.trial: _Trial | None = None
        self.lock: Session | None = None
        self.commits = 0

    def new_session(self, user: str) -> Session:
        """Return a session in the user view."""
        return Vrp8Session(self, user)

    def shown(self, lines: Lines) -> str:
        """Return a configuration as it is shown."""
        shown = [
            "!Software Version V800R021C00SPC100",
            "!Last configuration was saved at 2026-01-01 00:00:00+08:00",
            "#",
        ]
        for path in nested(lines):
            if len(path) == 1 and shown[-1] != "#":
                shown.append("#")
            if path[-1] == "ipv4-family unicast":
                shown.append(" #")
            shown.append(" " * (len(path) - 1) + path[-1])
        return "\n".join([*shown, "#", "return"])

    def tick(self) -> None:
        """Let a trial go back whose time is over."""
        if self.trial is not None and self.now >= self.trial.until:
            self.go_back()

    def go_back(self) -> None:
        """End the trial, and have what was before it."""
        assert self.trial is not None
        self.running, self.trial = self.trial.before, None

    def forget(self) -> None:
        """Lose a trial, and whoever has locked others out."""
        self.trial = self.lock = None


class Vrp8Session(Session):
    """A session: its view, and the candidate that belongs to it alone."""

    device: Vrp8

    def __init__(self, device: Vrp8, user: str) -> None:
        super().__init__(device, user)
        self._configures = False
        self._section: Path = ()
        self._edits: list[tuple[Path, str]] = []

    def banner(self) -> str:
        """Return what is shown before the first prompt."""
        return "\r\nInfo: The max number of VTY users is 5, the number of current VTY users online is 1.\r\n"

    def feed(self, data: bytes) -> bytes:
        """Take what is typed; Ctrl-T is a question mark that asks for nothing."""
        return super().feed(data.replace(b"\x14", _QUESTION))

    def prompt(self) -> str:
        """Return the prompt of the view."""
        if not self._configures:
            return f"<{self.device.name}>"
        view = VRP8.view(self._section)
        suffix = f"-{self._section[0].split(' ')[1]}" if view == "interface" else _SUFFIX.get(view, "")
        return f"[{'*' if self._edits else '~'}{self.device.name}{suffix}]"

    def close(self) -> None:
        """End the session: the candidate goes, and a trial and a lock that are this session's alone."""
        super().close()
        if self.device.lock is self:
            self.device.lock = None
        trial = self.device.trial
        if trial is not None and trial.session is self and not trial.persist:
            self.device.go_back()

    def obey(self, line: str) -> str:
        """Do what a line says."""
        anywhere = first((
            (r"display current-configuration", lambda _: self.device.shown(self.device.running)),
            (r"display saved-configuration", lambda _: self.device.shown(self.device.saved)),
            (r"display configuration trial status", lambda _: self._status()),
            (r"display configuration candidate changes", lambda _: "\n".join(edit for _, edit in self._edits)),
            (r"configuration exclusive", lambda _: self._lock()),
            (r"undo configuration exclusive", lambda _: self._unlock()),
            (r"screen-length (\d+) temporary", self._set_length),
            (r"screen-width \d+", lambda _: self.ask(
                "Warning: This command will change the default screen-width. Continue? [Y/N]:", lambda _answer: "")),
            (r"(undo )?terminal monitor", self._set_quiet),
            (r"dir flash:/", lambda _: self._room()),
            (r"quit", lambda _: self._quit()),
            (r"return", lambda _: self._leave()),
        ), line)  # fmt: skip
        if anywhere is not None:
            return anywhere
        if line.startswith(("display ", "ping ")):
            answer = self.device.answers(line)
            if answer is None:
                raise Refusal(VRP8.wrong)
            return answer
        return self._configured(line) if self._configures else self._asked_above(line)

    def _asked_above(self, line: str) -> str:
        if line == "system-view":
            self._configures = True
            return "Enter system view, return user view with return command."
        if line == "reset saved-configuration":
            question = "Warning: The action will delete the saved configuration on the device.\r\nAre you sure? [Y/N]:"
            return self.ask(question, lambda _answer: "")
        if line == "save":
            question = (
                "Warning: The current configuration will be written to the device.\nAre you sure to continue? [Y/N]:"
            )
            return self.ask(question.replace("\n", "\r\n"), self._save)
        raise Refusal(VRP8.wrong)

    def _save(self, answer: str) -> str:
        if answer.upper() != "Y":
            return ""
        if self.device.full:
            return "Now saving the current configuration to the slot 0.\nError: There is no enough space on the disk."
        self.device.saved = self.device.running.copy()
        return "Now saving the current configuration to the slot 0.\nInfo: Save the configuration successfully."

    def _configured(self, line: str) -> str:
        committed = first((
            (r"commit(?: persist (?P<persist>\S+))?", lambda found: self._commit(found["persist"] or "")),
            (r"commit trial(?: (?P<seconds>\d+))?(?: persist (?P<persist>\S+))?", self._try),
            (r"abort trial(?: persist (?P<persist>\S+))?", self._abandon),
            (r"clear configuration candidate", lambda _: self._clear()),
        ), line)  # fmt: skip
        if committed is not None:
            return committed
        self._may_configure()
        edited = self._candidate()
        section = edited.typed(self._section, line)
        if not edited.same(self._candidate()):
            self._edits.append((self._section, line))
        self._section = section
        return ""

    def _candidate(self) -> Lines:
        """Return what would be in force if all were committed now; Refusal where others have made that impossible."""
        edited = self.device.running.copy()
        for section, line in self._edits:
            edited.typed(section, line)
        return edited

    def _may_configure(self) -> None:
        if self.device.lock not in {None, self}:
            raise Refusal(_LOCKED)

    def _commit(self, persist: str) -> str:
        trial = self.device.trial
        if persist or (trial is not None and trial.session is self and not trial.persist):
            if trial is None or trial.persist != persist:
                raise Refusal(_NO_TRIAL)
            self.device.trial = None
            return ""
        self._put()
        return ""

    def _try(self, found: re.Match[str]) -> str:
        seconds = int(found["seconds"] or 600)
        if not _SHORTEST <= seconds <= _LONGEST:
            raise Refusal("                ^\nError: Wrong parameter found at '^' position.")
        before = self.device.running.copy()
        self._put()
        self.device.trial = _Trial(self, found["persist"] or "", self.device.now + seconds, before)
        return (
            "Info: The system enters the trial configuration mode.\nThe system will revert to previous configuration "
            f"if the trial configuration is not confirmed in {seconds} seconds."
        )

    def _put(self) -> None:
        self._may_configure()
        if self.device.trial is not None:
            raise Refusal(_IN_TRIAL)
        if not self._edits:
            raise Refusal("Error: There is no configuration to be committed.")
        self.device.running, self._edits = self._candidate(), []
        self.device.commits += 1

    def _abandon(self, found: re.Match[str]) -> str:
        trial, persist = self.device.trial, found["persist"] or ""
        if trial is None or trial.persist != persist or (not persist and trial.session is not self):
            raise Refusal(_NO_TRIAL)

        def then(answer: str) -> str:
            if answer.upper() != "Y":
                return ""
            if self.device.trial is not trial:
                return _NO_TRIAL
            self.device.go_back()
            return "Info: The trial configuration rollback succeeded."

        return self.ask("Warning: The trial configuration will be rolled back. Continue? [Y/N]:", then)

    def _clear(self) -> str:
        self._edits = []
        return ""

    def _quit(self) -> str:
        if self._section:
            self._section = self._section[:-1]
            return ""
        if self._configures:
            return self._leave()
        self.close()
        return ""

    def _leave(self) -> str:
        if not self._edits:
            self._configures, self._section = False, ()
            return ""

        def then(answer: str) -> str:
            word = answer.upper()[:1]
            if word == "Y":
                self._put()
            if word in {"Y", "N"}:
                self._edits = []
                self._configures, self._section = False, ()
            return ""

        return self.ask(
            "Warning: Uncommitted configurations found. Are you sure to commit them before exiting? "
            "[Y(yes)/N(no)/C(cancel)]:", then)  # fmt: skip

    def _lock(self) -> str:
        if self.device.lock not in {None, self} or (self.device.trial is not None):
            raise Refusal(_LOCKED)
        self.device.lock = self
        return ""

    def _unlock(self) -> str:
        if self.device.lock is self:
            self.device.lock = None
        return ""

    def _status(self) -> str:
        trial = self.device.trial
        if trial is None:
            return "Trial status: INACTIVE \nTrial time left (sec): 0"
        persist = f"Persist id: {trial.persist}\n" if trial.persist else ""
        return f"Trial status: ACTIVE \n{persist}Trial time left (sec): {trial.until - self.device.now:.0f}"

    def _room(self) -> str:
        free = 40 if self.device.full else 512_000
        listing = "Directory of flash:/\n\n  0  -rw-  7,422  Jan 01 2026 00:00:00  vrpcfg.zip\n\n"
        return f"{listing}1,048,576 KB total ({free:,} KB free)"

    def _set_length(self, found: re.Match[str]) -> str:
        self.length = int(found[1])
        return "Info: The configuration takes effect on the current user terminal interface only."

    def _set_quiet(self, found: re.Match[str]) -> str:
        self.quiet = found[1] is not None
        return "Info: Current terminal monitor is off." if self.quiet else ""
