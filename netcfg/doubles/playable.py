"""Which platforms' devices can be played by a double that forwards, and which configurations it can have."""

from collections.abc import Mapping

from netcfg.doubles.device import Double
from netcfg.doubles.forms import Refusal, read
from netcfg.doubles.forwarding import Words
from netcfg.doubles.forwarding_ios import FORWARDED as AS_IOS
from netcfg.doubles.forwarding_vrp8 import FORWARDED as AS_VRP8
from netcfg.doubles.ios import Ios
from netcfg.doubles.vrp8 import Vrp8

PLAYED: Mapping[str, tuple[type[Double], Words]] = {"vrp8": (Vrp8, AS_VRP8), "ios": (Ios, AS_IOS)}


def unplayable(platform: str, configuration: str) -> str:
    """Return the first line of a configuration that a double has no words for; empty where it has, or plays none."""
    if platform not in PLAYED:
        return ""
    kind, words = PLAYED[platform]
    try:
        words.compiled(read(kind.grammar, configuration, kind.skipped))
    except Refusal as refusal:
        return refusal.line or str(refusal)
    return ""
