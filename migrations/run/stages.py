"""The stages of what is carried out, by the names that stand in evidence, with their words."""

from inventory.words import _N

STAGES = {
    "twin": _N("build the twin"),
    "probes": _N("start probes"),
    "forward": _N("move"),
    "verify": _N("verify"),
    "back": _N("way back"),
    "verify back": _N("verify the way back"),
    "verify withdrawn": _N("verify what was withdrawn"),
    "verify broken": _N("see what the fault did"),
    "mend": _N("mend the fault"),
    "look": _N("look what stands where"),
    "again": _N("move again"),
    "commit": _N("commit"),
    "verify all": _N("verify the end"),
    "probes off": _N("stop probes"),
    "twin down": _N("take the twin down"),
}
