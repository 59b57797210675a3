"""A double of Cisco IOS: lines that act at once, a timer that goes back to a copy, an archive, saving."""

import re
from dataclasses import dataclass

from netcfg.doubles.device import Double, Session, first
from netcfg.doubles.forms import TOP, Form, Grammar, Lines, Path, Refusal, nested

_ADDRESS = r"\d+\.\d+\.\d+\.\d+"
_PEER = rf"neighbor (?P<peer>{_ADDRESS}|[A-Za-z]\S*)"
IOS = Grammar(
    no="no ",
    wrong="               ^\n% Invalid input detected at '^' marker.",
    absent="%Can't find what is to be removed",
    unmet="% {line}: specify what it refers to first",
    forms=(
        Form(TOP, r"hostname (\S+)", key="hostname"),
        Form(TOP, r"alias exec (?P<name>\S+) (.+)", key=r"alias \g<name>", away=r"alias exec (?P<name>\S+)"),
        Form(TOP, "archive", opens="archive"),
        Form("archive", r"path \S+", key="path"),
        Form(TOP, r"interface (?P<name>\S+)", opens="interface"),
        Form("interface", "description (.+)", key="description", away="description"),
        Form("interface", rf"ip address (?P<address>{_ADDRESS}) (?P<mask>{_ADDRESS})", key="address",
             away=rf"ip address(?: (?P<address>{_ADDRESS}) (?P<mask>{_ADDRESS}))?"),
        Form("interface", "shutdown"),
        Form("interface", r"(?:mtu|speed|duplex|bandwidth|load-interval) \S.*|negotiation auto"),
        Form(TOP, r"router bgp (?P<asn>\d+)", opens="bgp"),
        Form("bgp", rf"bgp router-id ({_ADDRESS})", key="router-id", away="bgp router-id.*"),
        Form("bgp", rf"{_PEER} remote-as (?P<asn>\d+)", key=r"as \g<peer>",
             away=rf"{_PEER} remote-as(?: (?P<asn>\d+))?", sweeps=r"neighbor \g<peer> "),
        Form("bgp", rf"{_PEER} description (.+)", key=r"description \g<peer>", away=rf"{_PEER} description.*"),
        Form("bgp", r"timers bgp (\d+) (\d+)", key="timers", away="timers bgp.*"),
        Form("bgp", rf"{_PEER} password (?:\d )?(\S.*)", key=r"password \g<peer>", away=rf"{_PEER} password.*"),
        Form("bgp", rf"{_PEER} shutdown"),
        Form("bgp", "address-family ipv4", opens="af"),
        Form("af", rf"network {_ADDRESS} mask {_ADDRESS}"),
        Form("af", rf"{_PEER} activate"),
        Form("af", rf"{_PEER} route-map (?P<policy>\S+) (?P<way>in|out)", key=r"\g<peer> \g<way>"),
        Form(TOP, rf"ip route {_ADDRESS} \S+ \S+.*"),
        Form(TOP, r"ip prefix-list (?P<name>\S+) seq (?P<seq>\d+) (?:permit|deny) \S+/\d+(?: ge \d+)?(?: le \d+)?",
             key=r"list \g<name> \g<seq>"),
        Form(TOP, r"route-map (?P<name>\S+) (?P<action>permit|deny) (?P<number>\d+)", opens="policy",
             key=r"policy \g<name> \g<number>",
             away=r"route-map (?P<name>\S+)(?: (?P<action>permit|deny) (?P<number>\d+))?"),
        Form("policy", "description (.+)", key="description", away="description"),
        Form("policy", r"match ip address prefix-list (?P<list>\S+)"),
        Form("policy", r"set local-preference \d+", key="local-preference"),
        Form("policy", r"set community .+", key="community"),
        Form("policy", r"continue(?: \d+)?", key="continue"),
    ),
    idle=r"(?:no )?(?:aaa|boot-end-marker|boot-start-marker|clock|control-plane|crypto|diagnostic|enable"
    r"|ip (?:cef|domain\S*|forward-protocol|http|name-server|scp|ssh)|license|line|logging|login|memory|ntp|platform"
    r"|redundancy|service|snmp-server|spanning-tree|tacacs|username)\b.*",
)  # fmt: skip
_MODES = {"bgp": "config-router", "af": "config-router-af", "policy": "config-route-map", "interface": "config-if",
          "archive": "config-archive"}  # fmt: skip
_NONE = "%No Rollback Confirmed Change pending"
_OFF = "%Turn config archive on before using Rollback Confirmed Change"
_PENDING = "%A Rollback Confirmed Change is pending already"
_LONGEST = 120


@dataclass
class _Timer:
    user: str
    minutes: int
    until: float
    before: Lines


class Ios(Double):
    """A device."""

    grammar = IOS
    skipped = r"\s*(?:!.*|end|exit-address-family|version \S+)?\s*"

    more = " --More-- "
    piecemeal = True
    wiped = "\x08" * 9 + " " * 9 + "\x08" * 9

    def __init__(self, name: str, configuration: str) -> None:
        super().__init__(name, configuration)
        self.timer: _Timer | None = None
        self.files: dict[str, Lines] = {}

    def new_session(self, user: str) -> Session:
        """Return a session in privileged mode."""
        return IosSession(self, user)

    def shown(self, lines: Lines, head: str = "!") -> str:
        """Return a configuration as it is shown."""
        shown = [head, "!", "version 17.9", "!"]
        for path in nested(lines):
            if len(path) == 1 and IOS.form(TOP, path[0])[0].opens and shown[-1] != "!":
                shown.append("!")
            if path[-1] == "address-family ipv4":
                shown.append(" !")
            shown.append(" " * (len(path) - 1) + path[-1])
        return "\n".join([*shown, "!", "end", ""])

    def tick(self) -> None:
        """Go back where the timer has run out."""
        if self.timer is not None and self.now >= self.timer.until:
            self.go_back()

    def go_back(self) -> None:
        """Replace the whole configuration by the copy that was made with the timer."""
        assert self.timer is not None
        self.running, self.timer = self.timer.before.copy(), None

    def forget(self) -> None:
        """Lose the timer."""
        self.timer = None


class IosSession(Session):
    """A session and its mode."""

    device: Ios

    def __init__(self, device: Ios, user: str) -> None:
        super().__init__(device, user)
        self._configures = False
        self._section: Path = ()

    def prompt(self) -> str:
        """Return the prompt; in a mode the name is cut."""
        if not self._configures:
            return f"{self.device.name}#"
        return f"{self.device.name[:20]}({_MODES.get(IOS.view(self._section), 'config')})#"

    def obey(self, line: str) -> str:
        """Do what a line says."""
        if self._configures:
            return self._configured(line)
        done = first((
            (r"terminal length (\d+)", self._set_length),
            (r"terminal width \d+", lambda _: ""),
            (r"terminal no monitor", lambda _: self._hush()),
            (r"show running-config", lambda _: self._running()),
            (r"show startup-config", lambda _: self.device.shown(self.device.saved, "Using 1024 out of 262144 bytes")),
            (r"show archive config rollback timer", lambda _: self._timer()),
            (r"more (\S+)", lambda found: self._more(found[1])),
            (r"dir nvram:", lambda _: self._room()),
            (r"configure terminal", lambda _: self._configure()),
            (r"configure terminal revert timer (\d+)", lambda found: self._arm(int(found[1]))),
            (r"configure confirm", lambda _: self._confirm()),
            (r"configure revert now", lambda _: self._revert()),
            (r"write memory", lambda _: self._write()),
            (r"exit", lambda _: self._hang_up()),
        ), line)  # fmt: skip
        if done is None:
            done = self.device.answers(line)
        if done is None:
            raise Refusal(IOS.wrong)
        return done

    def _configured(self, line: str) -> str:
        if line in {"end", "exit"}:
            self._configures = line == "exit" and bool(self._section)
            self._section = self._section[:-1] if self._configures else ()
            return ""
        # A line of a section above is taken from there.
        for length in range(len(self._section), -1, -1):
            edited = self.device.running.copy()
            try:
                self._section = edited.typed(self._section[:length], line)
            except Refusal as refusal:
                if length == 0 or str(refusal) != IOS.wrong:
                    raise
                continue
            self._refer(edited)
            self.device.running = edited
            return ""
        raise Refusal(IOS.wrong)

    @staticmethod
    def _refer(edited: Lines) -> None:
        """Refuse a neighbour's settings before the neighbour is there."""
        known = {path[-1].split(" ")[1] for path in edited.paths if re.match(r"neighbor \S+ remote-as ", path[-1])}
        for path in edited.paths:
            found = re.match(r"neighbor (\S+) ", path[-1])
            if found is not None and found[1] not in known:
                raise Refusal("% Specify remote-as or peer-group commands first")

    def _configure(self) -> str:
        self._configures = True
        return "Enter configuration commands, one per line.  End with CNTL/Z."

    def _arm(self, minutes: int) -> str:
        if not 1 <= minutes <= _LONGEST:
            raise Refusal(IOS.wrong)
        if ("archive",) not in self.device.running.paths:
            raise Refusal(_OFF)
        if self.device.timer is not None:
            raise Refusal(_PENDING)
        name = f"flash:archive-{len(self.device.files)}"
        before = self.device.running.copy()
        self.device.files[name] = before
        self.device.timer = _Timer(self.user, minutes, self.device.now + 60.0 * minutes, before)
        return f"Rollback Confirmed Change: Backing up current running config to {name}\n{self._configure()}"

    def _confirm(self) -> str:
        if self.device.timer is None:
            raise Refusal(_NONE)
        self.device.timer = None
        return ""

    def _revert(self) -> str:
        if self.device.timer is None:
            raise Refusal(_NONE)
        self.device.go_back()
        return "Rollback Confirmed Change: Rolling to the saved configuration\nTotal number of passes: 1\nRollback Done"

    def _timer(self) -> str:
        timer = self.device.timer
        if timer is None:
            return _NONE
        return (
            f"Time configured(or reconfigured): 10:00:00 UTC Fri Jan 2 2026\nTimer type: absolute timer\n"
            f"Timer value: {timer.minutes} min\nUser: {timer.user}"
        )

    def _running(self) -> str:
        return self.device.shown(self.device.running, "Building configuration...\n\nCurrent configuration : 4096 bytes")

    def _more(self, name: str) -> str:
        if name not in self.device.files:
            raise Refusal(f"%Error opening {name} (No such file or directory)")
        return self.device.shown(self.device.files[name])

    def _write(self) -> str:
        if self.device.full:
            return "Building configuration...\n% NV Generation failed: not enough space"
        self.device.saved = self.device.running.copy()
        return "Building configuration...\n[OK]"

    def _room(self) -> str:
        free = 1_000 if self.device.full else 900_000
        listing = "Directory of nvram:/\n\n  190  -rw-  4096  <no date>  startup-config\n\n"
        return f"{listing}1048576 bytes total ({free} bytes free)"

    def _hang_up(self) -> str:
        self.close()
        return ""

    def _hush(self) -> str:
        self.quiet = True
        return ""

    def _set_length(self, found: re.Match[str]) -> str:
        self.length = int(found[1])
        return ""
