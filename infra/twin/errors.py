"""Errors of a twin.

TwinError               says what, why and what to do next
├── CannotBuild         the machine lacks something, or a part of the twin did not start
│   └── SeedFailed      a host's seed ended with an error; carries its output
├── NotRunning          there is no living twin of that name
└── Refused             the supervisor does not do what was asked; carries the reason
"""

from inventory.errors import ZhengheError
from inventory.words import _


class TwinError(ZhengheError):
    """Something is wrong with a twin; the three parts of the message are kept apart."""

    def __init__(self, what: str, why: str, mend: str) -> None:
        super().__init__(f"{what}: {why}\n  " + _("next: {mend}").format(mend=mend))
        self.what, self.why, self.mend = what, why, mend


class CannotBuild(TwinError):
    """The twin cannot be made on this machine, or a part of it did not start."""


class SeedFailed(CannotBuild):
    """The script that fills a host with its data ended with an error."""

    def __init__(self, host: str, code: int, output: str) -> None:
        self.host, self.code, self.output = host, code, output
        super().__init__(
            _("seed of {host}").format(host=host),
            _("exit {code}\n{output}").format(code=code, output=output.strip() or _("(it printed nothing)")),
            _("mend seed.sh of {host} and start the twin again").format(host=host),
        )


class NotRunning(TwinError):
    """No living twin has that name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(_("twin {name}").format(name=name), _("it does not run"), _("start it with: zhenghe twin up"))


class Refused(TwinError):
    """The supervisor answered that it does not do what was asked."""

    def __init__(self, call: str, code: int, message: str) -> None:
        self.call, self.code = call, code
        super().__init__(call, message, _("look at what there is with: zhenghe twin list"))
