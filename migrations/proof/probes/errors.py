"""Errors of probes.

ProbeError
├── VantageUnreachable   a user's machine does not answer over SSH, or its key is not the known one
└── VantageRefused       it answers, but a probe cannot be started or read there
"""



from inventory.errors import ZhengheError


class ProbeError(ZhengheError):
    """A probe could not be started or read; carries the vantage, the reason and what to do next."""

    def __init__(self, vantage: str, reason: str, mend: str) -> None:
        self.vantage = vantage
        self.reason = reason
        self.mend = mend
        super().__init__(f"{vantage}: {reason}; {mend}")


class VantageUnreachable(ProbeError):
    """A user's machine does not answer over SSH, or its key is not the known one."""


class VantageRefused(ProbeError):
    """A user's machine answers, but a probe cannot be started or read there."""
