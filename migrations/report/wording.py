"""How a run's facts are said: the same words on the terminal and on the page, in the language that is asked for."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby

from inventory.words import words_in
from migrations.plan import Untouched
from migrations.proof.probes.limits import told
from migrations.report.summary import RunSummary, UnitSummary
from migrations.states import Direction

Say = Callable[[str], str]
LANGUAGES = ("en", "zh")
FORWARD = (Direction.FORWARD, Direction.COMMIT)
CLASSIFIED = "classified"
"""How the plan's reason begins where a system is classified."""


def _marked(message: str) -> str:
    """Return a message as it is; the name tells the extraction of catalogues that it is translated later."""
    return message


_N = _marked
KINDS = {"site": _N("Sites"), "link": _N("Links between sites"), "line": _N("Lines"), "system": _N("Systems")}
UNIT_KINDS = {"site": _N("site"), "link": _N("link"), "line": _N("line"), "system": _N("system")}
VERBS = {
    "provision": _N("provision"),
    "reach": _N("reach"),
    "attach": _N("attach"),
    "shift": _N("shift"),
    "drain": _N("drain"),
    "release": _N("release"),
    "prepare": _N("prepare"),
    "replicate": _N("replicate"),
    "front": _N("front"),
    "lag": _N("lag"),
    "switch": _N("switch"),
    "verify": _N("verify"),
    "retire": _N("retire"),
    "agree": _N("agree on the day"),
    "shut-down": _N("shut down"),
    "carry": _N("carry across"),
    "rack": _N("put into the rack"),
    "readdress": _N("give new addresses"),
    "accept": _N("accept"),
    "export": _N("export"),
    "take-over": _N("take over"),
    "redirect": _N("redirect the entry"),
    "close-down": _N("close down"),
    "announce": _N("tell whoever knows the old addresses"),
    "let-in": _N("have the far end take the extranet's way"),
    "let-go": _N("have the far end leave the line"),
    "cancel": _N("cancel the line"),
}
"""Words for steps; one that is not known here is told as the plan has it."""
WAYS = {
    Direction.FORWARD: _N("moved"),
    Direction.BACK: _N("taken back"),
    Direction.COMMIT: _N("committed"),
    Direction.WITHDRAW: _N("withdrawn"),
}
AGAIN = _N("moved again")


def step_word(step: str, say: Say) -> str:
    """Return the word for a step of a plan, such as prepare/db."""
    verb, slash, part = step.partition("/")
    return say(VERBS.get(verb, verb)) + slash + part


def course(summary: RunSummary, say: Say) -> str:
    """Say how many units there were and which ways they went; nothing where none has gone anywhere."""
    if not summary.passages:
        return ""
    numbers = {f"{kind}s": sum(unit.kind == kind for unit in summary.units) for kind in KINDS}
    words: list[str] = []
    # A call that goes on where the one before it was cut short, or had to wait for people, is no other way.
    taken = [way for way, _same in groupby(passage.direction for passage in summary.passages)]
    for way in taken:
        known = way is Direction.FORWARD and say(WAYS[Direction.FORWARD]) in words
        words.append(say(AGAIN) if known else say(WAYS[way]))
    ways = say(", ").join(words)
    return say("{sites} sites, {lines} lines and {systems} systems: {ways}.").format(**numbers, ways=ways)


def duration(seconds: float | None, say: Say) -> str:
    """Write a span of time as people read it; a dash where there is none."""
    if seconds is None:
        return "–"
    if seconds < 0.0005:
        return say("{count} s").format(count=0)
    if seconds < 1:
        return say("{count} ms").format(count=f"{seconds * 1000:.0f}")
    if seconds < 120:
        return say("{count} s").format(count=f"{seconds:.1f}" if seconds < 20 else f"{seconds:.0f}")
    return say("{minutes} min {seconds:02d} s").format(minutes=int(seconds // 60), seconds=int(seconds % 60))


def clock(moment: float) -> str:
    """Write a moment by the clock of this machine."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def outcome(summary: RunSummary, say: Say) -> str:
    """Say in a sentence how the run came out."""
    if summary.outcome == "passed":
        return say("Everything came through.")
    if summary.outcome == "failed":
        return say("Not everything came through.")
    return say("The run has not ended yet.")


def reason(summary: RunSummary, say: Say) -> str:
    """Return why a run failed, with what users felt in the language that is asked for, whoever carried it out."""
    text = summary.reason
    for probe in (probe for unit in summary.units for felt in unit.felt for probe in felt.probes if probe.breaches):
        for language in LANGUAGES:
            for said, wanted in zip(told(probe, words_in(language)), told(probe, say), strict=True):
                text = text.replace(said, wanted)
    return text


def longest_pause(units: Iterable[UnitSummary], *directions: Direction) -> float | None:
    """Return the longest time in which users of a system could not do their work; None where nobody looked."""
    seen = [unit.worst(*directions) for unit in units if unit.kind == "system"]
    return max((pause for pause in seen if pause is not None), default=None)


def counted(summary: RunSummary) -> dict[str, int]:
    """Count what is told in one line: requests, packets, writes, checks."""
    every = tuple(WAYS)
    requests = [probe for u in summary.units for f in u.felt for probe in f.probes if probe.kind != "ping"]
    pings = [probe for u in summary.units for f in u.felt for probe in f.probes if probe.kind == "ping"]
    writes = [unit.writes for unit in summary.units if unit.writes is not None]
    return {
        "requests": sum(probe.succeeded + probe.failed for probe in requests),
        "requests_failed": sum(unit.total("requests_failed", *every) for unit in summary.units),
        "packets": sum(probe.succeeded + probe.lost for probe in pings),
        "packets_lost": sum(unit.total("packets_lost", *every) for unit in summary.units),
        "writes": sum(verdict.acknowledged for verdict in writes),
        "writes_lost": sum(len(verdict.lost) for verdict in writes),
        "writes_doubled": sum(len(verdict.doubled) for verdict in writes),
        "writes_unanswered": sum(verdict.unanswered for verdict in writes),
        "checks": sum(unit.checks_passed + unit.checks_failed + unit.checks_unknown for unit in summary.units),
        "checks_failed": sum(unit.checks_failed for unit in summary.units),
        "checks_unknown": sum(unit.checks_unknown for unit in summary.units),
    }


def left_alone(untouched: Iterable[Untouched], say: Say) -> tuple[tuple[str, str], ...]:
    """Return what the plan leaves alone with the reason; classified systems are counted and not named."""
    every = tuple(untouched)
    hidden = sum(left.reason.startswith(CLASSIFIED) for left in every)
    named = tuple((left.name, _reason(left.reason, say)) for left in every if not left.reason.startswith(CLASSIFIED))
    if not hidden:
        return named
    counted_text = say("{count} classified").format(count=hidden)
    return (*named, (counted_text, say("only that they exist is known here; the intranet's own plan moves them")))


def _reason(reason: str, say: Say) -> str:
    golden = "national golden project "
    if reason.startswith(golden):
        return say("belongs to the national golden project {project}").format(project=reason.removeprefix(golden))
    return say(reason)
