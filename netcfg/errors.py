"""What can go wrong between an intent and devices; every message says what, why, and what to do next.

ExtranetError
├── PlatformUnknown      nothing is known about a device's platform
├── NoCircuit            a line's end has no circuit to the domain that should take its traffic
├── DeviceError          about one device
│   ├── DeviceUnreachable    no session: nobody answers, or the key is refused
│   ├── HostKeyMismatch      the device shows another host key than known_hosts has, or one it does not have
│   ├── WrongDevice          another device answers at this name
│   ├── CommandRejected      the device did not take a line of configuration
│   ├── DeviceBusy           another transaction holds the device
│   ├── NothingSaved         what an undo has to put back was not kept
│   └── NotReturned          an unconfirmed change was not taken back as it should have been
├── CheckFailed          the change is in place but does not do what it is for; it has been taken back
└── NotConfirmed         a device took its change back before it could be confirmed
"""

from inventory.errors import ZhengheError
from inventory.secrecy import masked
from inventory.words import _


class ExtranetError(ZhengheError):
    """Something between an intent and devices went wrong."""


class PlatformUnknown(ExtranetError):
    """Nothing is known about a device's platform."""

    def __init__(self, platform: str, known: tuple[str, ...]) -> None:
        self.platform = platform
        super().__init__(
            _("platform {platform} is unknown; known are: {known}; correct it in network.yaml").format(
                platform=platform, known=", ".join(known)
            )
        )


class NoCircuit(ExtranetError):
    """A line's end has no circuit to the domain that should take its traffic."""

    def __init__(self, line: str, device: str, domain: str) -> None:
        self.line, self.device, self.domain = line, device, domain
        super().__init__(
            _(
                "line {line}: device {device} has no circuit to domain {domain}; add an attachment in network.yaml"
            ).format(line=line, device=device, domain=domain)
        )


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
        text = _("behind the name {device} is {found} instead of {wanted}; nothing was changed. Correct ssh_config")
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
        text = _("{device} did not take “{line}”: {reason}; what was sent before it has been taken back")
        super().__init__(device, text.format(device=device, line=line.strip(), reason=reason))


class DeviceBusy(DeviceError):
    """Another transaction holds the device."""

    def __init__(self, device: str, owner: str) -> None:
        self.owner = owner
        text = _("{device} is held by change {owner}; it is let go when that one ends or its timer has run out")
        super().__init__(device, text.format(device=device, owner=owner))


class NothingSaved(DeviceError):
    """What an undo has to put back was not kept."""

    def __init__(self, device: str, stage: str) -> None:
        self.stage = stage
        text = _("{device}: its configuration before {stage} is not in the folder of this run; nothing was changed. "
                 "Undo it where it was done, or put it back by hand")  # fmt: skip
        super().__init__(device, text.format(device=device, stage=stage))


class NotReturned(DeviceError):
    """An unconfirmed change was not taken back as it should have been."""

    def __init__(self, device: str, label: str, answer: str) -> None:
        self.label, self.answer = label, answer
        text = _("{device} did not take change {label} back: {answer}; the configuration before it is kept there "
                 "and beside the evidence: load that by hand")  # fmt: skip
        super().__init__(device, text.format(device=device, label=label, answer=answer))


class CheckFailed(ExtranetError):
    """The change does not do what it is for, or what it needs is not there."""

    def __init__(self, line: str, stage: str, failed: tuple[str, ...]) -> None:
        self.line, self.stage, self.failed = line, stage, failed
        text = _("line {line}, {stage}: not so: {failed}. All devices have their earlier configuration")
        super().__init__(text.format(line=line, stage=stage, failed="; ".join(failed)))


class NotConfirmed(ExtranetError):
    """A device took its change back before it could be confirmed."""

    def __init__(self, line: str, stage: str, devices: tuple[str, ...]) -> None:
        self.line, self.stage, self.devices = line, stage, devices
        text = _("line {line}, {stage}: {devices} took the change back before it was confirmed; do the step again")
        super().__init__(text.format(line=line, stage=stage, devices=", ".join(devices)))
