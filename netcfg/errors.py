"""What can go wrong between an intent and devices; every message says what, why, and what to do next.

ExtranetError
├── PlatformUnknown      nothing is known about a device's platform
├── PlatformRefused      a device's platform is known, and cannot take a change back by itself
├── NoCircuit            a line's end has no circuit to the domain that should take its traffic
├── NoExit               a domain has no way to the internet that could take the place of a line's
├── NoDefaultRoute       a platform has no words by which a default route is moved
├── BackupRefused        backups would lie where git takes them
├── CannotCall           the operator's policy at a circuit cannot go on to decide after ours
├── CannotCopy           a clause of the operator's policy at a circuit cannot stand behind ours
├── PolicyUnseen         a circuit imports by what stands elsewhere than in its own section or template
├── DeviceError          about one device
│   ├── DeviceUnreachable    no session: nobody answers, or the key is refused
│   ├── HostKeyMismatch      the device shows another host key than known_hosts has, or one it does not have
│   ├── WrongDevice          another device answers at this name
│   ├── CommandRejected      the device did not take a line of configuration
│   ├── DeviceIncomplete     a part of it does not answer, so that its configuration is not shown whole
│   ├── DeviceBusy           another transaction holds the device
│   ├── DeviceUnsaved        it runs with something that it would not start with
│   ├── LeftBehind           an earlier change was left undecided there, and the device is not what it was
│   ├── NeighbourUnseen      no section of its configuration has a neighbour's address
│   ├── NotHeld              what would take a change back cannot be kept
│   ├── TooLate              the timer has too little time left for another command
│   ├── NothingSaved         what an undo has to put back was not kept
│   └── NotReturned          an unconfirmed change was not taken back as it should have been
├── CheckFailed          the change does not do what it is for, or what it needs is not there
├── NotConfirmed         not every device kept the change
└── NotSaved             the change is in force and confirmed, but a device would not start with it
"""

from ipaddress import IPv4Address
from pathlib import Path

from inventory.errors import ZhengheError
from inventory.secrecy import masked
from inventory.words import _


class ExtranetError(ZhengheError):
    """Something between an intent and devices went wrong."""

    def __init__(self, message: str) -> None:
        self.outcomes: tuple[str, ...] = ()
        """What became of each device that had been touched, in words; each was looked at."""
        super().__init__(message)

    def __str__(self) -> str:
        return ". ".join((super().__str__(), *self.outcomes))


class PlatformUnknown(ExtranetError):
    """Nothing is known about a device's platform."""

    def __init__(self, platform: str, known: tuple[str, ...]) -> None:
        self.platform = platform
        super().__init__(
            _("platform {platform} is unknown; known are: {known}; correct it in network.yaml").format(
                platform=platform, known=", ".join(known)
            )
        )


class PlatformRefused(ExtranetError):
    """A device's platform is known, and cannot take a change back by itself."""

    def __init__(self, platform: str, means: str) -> None:
        self.platform, self.means = platform, means
        text = _("devices of platform {platform} are not changed: nothing there takes an unconfirmed change back by "
                 "itself but {means}. A person on site has to do the step, or the line stays as it is")  # fmt: skip
        super().__init__(text.format(platform=platform, means=means))


class NoCircuit(ExtranetError):
    """A line's end has no circuit to the domain that should take its traffic."""

    def __init__(self, line: str, device: str, domain: str) -> None:
        self.line, self.device, self.domain = line, device, domain
        super().__init__(
            _(
                "line {line}: device {device} has no circuit to domain {domain}; add an attachment in network.yaml"
            ).format(line=line, device=device, domain=domain)
        )


class NoExit(ExtranetError):
    """A domain has no way to the internet that could take the place of a line's."""

    def __init__(self, line: str, domain: str) -> None:
        self.line, self.domain = line, domain
        text = _("line {line}: the extranet has no internet exit in domain {domain}; add it to network.exits")
        super().__init__(text.format(line=line, domain=domain))


class NoDefaultRoute(ExtranetError):
    """A platform has no words by which a default route is moved."""

    def __init__(self, line: str, device: str, platform: str) -> None:
        self.line, self.device, self.platform = line, device, platform
        text = _("line {line}: on devices of platform {platform} no default route is moved yet ({device}); "
                 "leave the line's domain out")  # fmt: skip
        super().__init__(text.format(line=line, device=device, platform=platform))


class BackupRefused(ExtranetError):
    """Backups hold secrets and would lie where git takes them."""

    def __init__(self, folder: Path, tree: Path) -> None:
        self.folder, self.tree = folder, tree
        text = _("backups have secrets in them, and {folder} lies in the git tree {tree}; "
                 "set ZHENGHE_STATE to a folder outside of it")  # fmt: skip
        super().__init__(text.format(folder=folder, tree=tree))


class CannotCall(ExtranetError):
    """The operator's policy at a circuit cannot go on to decide after ours."""

    def __init__(self, address: IPv4Address, line: str) -> None:
        self.address, self.line = address, line
        text = _("the circuit to {address} has “{line}”, which no other policy can call; make it a function that says "
                 "true for what is accepted, and import where it does")  # fmt: skip
        super().__init__(text.format(address=address, line=line))


class CannotCopy(ExtranetError):
    """A clause of the operator's policy at a circuit cannot stand behind ours."""

    def __init__(self, address: IPv4Address, line: str) -> None:
        self.address, self.line = address, line
        text = _("the circuit to {address} has a policy with “{line}”, which cannot stand behind ours: it is kept "
                 "elsewhere, its number is too high, or it refers to other clauses by theirs; "
                 "write it without that")  # fmt: skip
        super().__init__(text.format(address=address, line=line))


class PolicyUnseen(ExtranetError):
    """A circuit imports by what stands elsewhere than in its own section or template."""

    def __init__(self, address: IPv4Address) -> None:
        self.address = address
        text = _("it is not seen what the circuit to {address} imports: no “import where” is in its section, nor in "
                 "the template that it comes from; write it there")  # fmt: skip
        super().__init__(text.format(address=address))


class DeviceError(ExtranetError):
    """Something is wrong with one device."""

    def __init__(self, device: str, message: str) -> None:
        self.device = device
        # A line of a configuration may hold a secret, and what is told ends up in evidence and reports.
        super().__init__(masked(message))


class DeviceUnreachable(DeviceError):
    """No session with the device: nobody answers, or the key is refused."""

    def __init__(self, device: str, reason: str) -> None:
        self.reason = reason
        text = _("{device} cannot be reached: {reason}; see that it runs and that ssh_config leads to it")
        super().__init__(device, text.format(device=device, reason=reason))


class HostKeyMismatch(DeviceError):
    """The device shows another host key than known_hosts has, or one it does not have."""

    def __init__(self, device: str, shown: str, expected: str | None) -> None:
        self.shown, self.expected = shown, expected
        changed = _("{device} shows host key {shown} where known_hosts has {expected}; nothing was sent to it. "
                    "Find out why before you correct known_hosts")  # fmt: skip
        unknown = _("{device} shows host key {shown}, of which known_hosts knows nothing; nothing was sent to it. "
                    "Compare it with the device's own and add it to known_hosts")  # fmt: skip
        text = unknown if expected is None else changed
        super().__init__(device, text.format(device=device, shown=shown, expected=expected))


class WrongDevice(DeviceError):
    """Another device answers at this name."""

    def __init__(self, device: str, wanted: str, found: str) -> None:
        self.wanted, self.found = wanted, found
        text = _("behind the name {device} is {found} instead of {wanted}; nothing was sent to it. Correct ssh_config")
        super().__init__(device, text.format(device=device, wanted=wanted, found=found))


class DeviceAstray(DeviceError):
    """The device's configuration is neither what a stage begins with nor what it ends with."""

    def __init__(self, device: str, stage: str, differences: tuple[str, ...]) -> None:
        self.stage, self.differences = stage, differences
        text = _("{device} has neither the configuration before {stage} nor the one after it; nothing was changed. "
                 "Before it this is wrong: {differences}. Do the earlier steps first, or correct it")  # fmt: skip
        super().__init__(device, text.format(device=device, stage=stage, differences="; ".join(differences)))


class CommandRejected(DeviceError):
    """The device did not take a line of configuration."""

    def __init__(self, device: str, line: str, reason: str) -> None:
        self.line, self.reason = line, reason
        text = _("{device} did not take “{line}”: {reason}")
        super().__init__(device, text.format(device=device, line=line.strip(), reason=reason))


class DeviceBusy(DeviceError):
    """Another transaction holds the device."""

    def __init__(self, device: str, owner: str) -> None:
        self.owner = owner
        text = _("{device} is held by change {owner}; it is let go when that one ends or its timer has run out")
        super().__init__(device, text.format(device=device, owner=owner))


class DeviceIncomplete(DeviceError):
    """A part of the device does not answer, so that its configuration is not shown whole."""

    def __init__(self, device: str, part: str) -> None:
        self.part = part
        text = _("{device} does not show its whole configuration: {part} does not answer; see that it runs")
        super().__init__(device, text.format(device=device, part=part))


class DeviceUnsaved(DeviceError):
    """The device runs with something that it would not start with, and that is not of this change."""

    def __init__(self, device: str, lines: tuple[str, ...]) -> None:
        self.lines = lines
        text = _("{device} runs with what it would not start with, or the other way round: {lines}; it is neither "
                 "saved nor lost by us. Save it or take it out on the device, then do the step again")  # fmt: skip
        super().__init__(device, text.format(device=device, lines="; ".join(lines)))


class LeftBehind(DeviceError):
    """An earlier change was left undecided on the device, which has been restarted or changed by others since."""

    def __init__(self, device: str, owner: str, ours: tuple[str, ...], others: tuple[str, ...]) -> None:
        self.owner, self.ours, self.others = owner, ours, others
        gone = _("{device}: change {owner} was left undecided there; of it nothing is in force. Since then others "
                 "changed: {others}; that stays. If it is meant, do the step again")  # fmt: skip
        there = _("{device}: change {owner} was left undecided there and its timer is lost. Of it these lines are not "
                  "as before: {ours}; of others: {others}. Nothing was loaded. Put the first ones right by hand, "
                  "save, then do the step again")  # fmt: skip
        text = (there if ours else gone).format(
            device=device, owner=owner, ours="; ".join(ours) or "-", others="; ".join(others) or "-"
        )
        super().__init__(device, text)


class NeighbourUnseen(DeviceError):
    """No section of the device's configuration has a neighbour's address, so there is nothing to write into."""

    def __init__(self, device: str, address: str) -> None:
        self.address = address
        text = _("{device}: no section of its configuration has neighbour {address}; nothing was changed. If it is "
                 "written as a constant, or stands in a file that is included, write it out")  # fmt: skip
        super().__init__(device, text.format(device=device, address=address))


class NotHeld(DeviceError):
    """What would take a change back cannot be kept on the device."""

    def __init__(self, device: str, reason: str) -> None:
        self.reason = reason
        text = _("{device} cannot keep what would take the change back: {reason}; nothing was typed there. "
                 "Mend that first")  # fmt: skip
        super().__init__(device, text.format(device=device, reason=reason))


class TooLate(DeviceError):
    """The timer has less than a third of its time left, so nothing more is typed."""

    def __init__(self, device: str, line: str) -> None:
        self.line = line
        text = _("{device}: “{line}” was not typed any more, for the timer had less than a third of its time left; "
                 "do the step again when the devices answer faster")  # fmt: skip
        super().__init__(device, text.format(device=device, line=line.strip()))


class NothingSaved(DeviceError):
    """What an undo has to put back was not kept."""

    def __init__(self, device: str, stage: str) -> None:
        self.stage = stage
        text = _("{device}: its configuration before {stage} is not in the folder of this run; nothing was changed. "
                 "Undo it where it was done, or put it back by hand")  # fmt: skip
        super().__init__(device, text.format(device=device, stage=stage))


class NotReturned(DeviceError):
    """An unconfirmed change was not taken back as it should have been."""

    def __init__(self, device: str, label: str, lines: tuple[str, ...]) -> None:
        self.label, self.lines = label, lines
        text = _("{device}: change {label} was not taken back whole; these lines are not as before: {lines}. The "
                 "configuration before it is kept there and in the run (zhenghe evidence configurations shows it): "
                 "correct them by hand")  # fmt: skip
        super().__init__(device, text.format(device=device, label=label, lines="; ".join(lines)))


class CheckFailed(ExtranetError):
    """The change does not do what it is for, or what it needs is not there."""

    def __init__(self, line: str, stage: str, failed: tuple[str, ...]) -> None:
        self.line, self.stage, self.failed = line, stage, failed
        text = _("line {line}, {stage}: not so: {failed}")
        super().__init__(text.format(line=line, stage=stage, failed="; ".join(failed)))


class NotConfirmed(ExtranetError):
    """Not every device kept the change: some took it back before it was confirmed, or could not be asked."""

    def __init__(self, line: str, stage: str, devices: tuple[str, ...]) -> None:
        self.line, self.stage, self.devices = line, stage, devices
        text = _("line {line}, {stage}: not confirmed on {devices}; do the step again")
        super().__init__(text.format(line=line, stage=stage, devices=", ".join(devices)))


class NotSaved(ExtranetError):
    """The change is in force and confirmed on all devices, but not all would start with it."""

    def __init__(self, line: str, stage: str, reasons: tuple[str, ...]) -> None:
        self.line, self.stage, self.reasons = line, stage, reasons
        text = _("line {line}, {stage}: confirmed and in force on all devices, but not saved on all: {reasons}. "
                 "Mend that and do the step again: it then only saves")  # fmt: skip
        super().__init__(text.format(line=line, stage=stage, reasons="; ".join(reasons)))
