"""Who did what in a run, and that nobody changed the record of it: the run's own key signs the evidence at each stage.

The first record binds the run to its plan, its world, the version that began it and the person who called the command.
Every command leaves a record of its beginning and its end. At the end of a stage the key of the run signs all that was
written so far: a record that is taken out, dated anew or put under another name is found, whoever makes the chain anew.
"""

import fcntl
import hashlib
import os
import pwd
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import NamedTuple

from infra.parts.images import installed_packages
from inventory.plain import one_line
from inventory.regular import content_of
from inventory.words import _
from migrations.evidence.chain import (
    BEGINNING,
    ChainVerdict,
    DamagedEvidence,
    Head,
    Record,
    Soundness,
    read,
    read_kinds,
    verify_chain,
)
from migrations.evidence.kinds import CommandBegun, CommandEnded, HeadSigned, RunBegun, UnknownRecord, WitnessRenewed
from migrations.home import RunHome
from migrations.trust.signing import SigningFailed, fingerprint, is_signed, make_key, public_file, sign
from migrations.trust.sinks import send
from migrations.trust.stamping import proofs, stands_by_sm2

NAMESPACE = "zhenghe-evidence"
"""What signatures are for: one that was made for something else is none."""
BOUND = {"run": "run", "plan": "plan", "programme": "programme", "world": "kind"}
"""What the first record says, and by which name it stands in run.json."""


def key_of(home: RunHome) -> Path:
    """Return the file of a run's own key."""
    return home.witness_key


def witnesses(home: RunHome) -> Path:
    """Return the file that keeps the public keys of all runs, apart from their folders, as ssh-keygen wants them."""
    return home.path.parent.with_name("witnesses")


@contextmanager
def witnessed(
    home: RunHome, deed: str, by: Mapping[str, str] | None = None, command: Sequence[str] = ()
) -> Iterator[None]:
    """Write down who does something in a run and how it ended, and sign the evidence in the end.

    `by` and `command` are given where this process does it for somebody else.
    """
    begin(home, by)
    words = tuple(one_line(word) for word in command or sys.argv)
    home.evidence.write(CommandBegun.model_validate({"deed": deed, **(by or person()), "command": words}))
    result = "cut off"
    try:
        yield
        result = "ended"
    except BaseException as exc:
        result = f"stopped by {type(exc).__name__}"
        raise
    finally:
        # A full disk is told by what met it first; a key that was lost meanwhile, by the check of the evidence.
        with suppress(OSError, SigningFailed):
            home.evidence.write(CommandEnded(deed=deed, result=result))
            sign_head(home)


def begin(home: RunHome, by: Mapping[str, str] | None = None) -> None:
    """Write the first record, unless there is one."""
    public = _able_key(home)
    home.see_whole()
    if home.evidence.path.exists() and home.evidence.path.stat().st_size:
        # Nobody goes on from a broken chain, not even to say who tried.
        home.evidence.ready()
        if public not in _keys_in(home.evidence.records_of(RunBegun, WitnessRenewed)):
            home.evidence.write(WitnessRenewed(key=public))
        return
    settings = home.settings()
    known = witnesses(home)
    with os.fdopen(os.open(known, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file:
        file.write(f'{settings.run} namespaces="{NAMESPACE}" {public}\n')
    bound = {name: getattr(settings, field) for name, field in BOUND.items()}
    who = by or person()
    images = _keep_packages(home) if settings.kind == "twin" else {}
    what = {**bound, "version": version("zhenghe"), "key": public, **who, "world_file": str(settings.world)}
    what |= {"images": images}
    home.evidence.write(RunBegun.model_validate(what))


def _able_key(home: RunHome) -> str:
    """Return the public half of the run's key; one that does not sign is put aside, and another one made."""
    key = key_of(home)
    with suppress(SigningFailed):
        public = make_key(key, home.path.name)
        if is_signed("", sign("", key, NAMESPACE), public, NAMESPACE):
            return public
    number = next(number for number in count(1) if not os.path.lexists(f"{key}.aside-{number}"))
    for file, kept in ((key, f"{key}.aside-{number}"), (public_file(key), f"{key}.pub.aside-{number}")):
        if os.path.lexists(file):
            file.rename(kept)
    return make_key(key, home.path.name)


def _keep_packages(home: RunHome) -> dict[str, str]:
    """Keep the lists of packages of the images that a twin's hosts stand on; return the digest of each."""
    found = {}
    for name, text in installed_packages():
        file = home.path / "packages" / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text(text)
        found[name] = hashlib.sha256(text.encode()).hexdigest()
    return found


def sign_head(home: RunHome) -> None:
    """Sign all that stands in the evidence by now; nothing happens to evidence that was begun without a key."""
    first = next(read(home.evidence.path), None)
    begun = None if first is None else RunBegun.of(first)
    if begun is None:
        return

    def about(head: Head) -> HeadSigned:
        text = statement(begun.run, begun.plan, head)
        signature = sign(text, key_of(home), NAMESPACE)
        return HeadSigned(**head._asdict(), signature=signature, sent=send(text, signature), **proofs(text)._asdict())

    home.keep_head(home.evidence.write_about(about).seq)


def statement(run: str, plan: str, head: Head) -> str:
    """Return the text that is signed: it names the evidence by its bytes, so that sha256sum alone can tell."""
    return (
        f"zhenghe evidence\nrun: {run}\nplan: {plan}\nrecords: {head.records}\nhead: {head.hash}\n"
        f"bytes: {head.bytes}\nsha256: {head.sha256}\n"
    )


def person() -> dict[str, str]:
    """Say who calls, as far as this machine knows: login, where from, and the SSH key that let them in."""
    user = os.getuid()
    found = {"user": str(user)}
    with suppress(KeyError):
        found["user"] = pwd.getpwuid(user).pw_name
    # The audit's own login outlasts su and sudo.
    with suppress(OSError, ValueError, KeyError):
        login = int(Path("/proc/self/loginuid").read_text())
        found["login"] = pwd.getpwuid(login).pw_name
    for name, variable in (("sudo", "SUDO_USER"), ("from", "SSH_CONNECTION")):
        if value := os.environ.get(variable):
            found[name] = one_line(value.split()[0], 100)
    found["machine"] = socket.gethostname()
    with suppress(OSError, KeyError, IndexError):
        used = Path(os.environ["SSH_USER_AUTH"]).read_text().split("publickey ")[1].splitlines()[0]
        found["ssh_key"] = fingerprint(used)
    return found


def testimony(home: RunHome) -> ChainVerdict:
    """Check a run's evidence whole: its chain, what it is bound to, and its signatures; nothing is written."""
    try:
        home.see_whole()
    except DamagedEvidence as exc:
        return ChainVerdict(outcome=Soundness.BROKEN, records=0, head=BEGINNING, reason=exc.wrong)
    if not home.evidence.path.exists():
        # A run that was killed before its first record has none.
        return ChainVerdict(outcome=Soundness.SOUND, records=0, head=BEGINNING)
    verdict = verify_chain(home.evidence.path)
    if verdict.outcome is not Soundness.SOUND or not verdict.records:
        return verdict
    seen = judged(home.evidence.path, home.evidence.records(), _bindings(home), _keys(home))
    return _concluded(home, verdict, seen)


def _concluded(home: RunHome, verdict: ChainVerdict, seen: "Judged") -> ChainVerdict:
    if seen.outcome is Soundness.OPEN and _busy(home):
        return verdict
    return verdict.model_copy(update={"outcome": seen.outcome, "reason": seen.reason})


def recent_testimony(home: RunHome) -> ChainVerdict:
    """Check a run's evidence by its last signature, which stands for all before it, and record by record after that.

    Where none stands, or something is wrong, all of it is checked; nothing is written.
    """
    path = home.evidence.path
    try:
        home.see_whole()
        marks = tuple(read_kinds(path, (RunBegun, WitnessRenewed, HeadSigned, CommandBegun, CommandEnded)))
        signed = [record for record in marks if record.kind == HeadSigned.KIND]
        said = HeadSigned.of(signed[-1]) if signed and marks[0].seq == 1 else None
    except (DamagedEvidence, UnknownRecord):
        said = None
    verdict = None if said is None else verify_chain(path, said.head)
    if said is None or verdict is None or verdict.outcome is not Soundness.SOUND:
        return testimony(home)
    after = tuple(record for record in home.evidence.follow(said.bytes)[0] if record.seq > signed[-1].seq)
    seen = _judge(path, marks, after, _bindings(home), _keys(home))
    known = seen.outcome in {Soundness.SOUND, Soundness.OPEN}
    return _concluded(home, verdict, seen) if known else testimony(home)


def signed_part(records: tuple[Record, ...]) -> tuple[Record, ...]:
    """Return the records up to the last signature."""
    last = max((record.seq for record in records if record.kind == HeadSigned.KIND), default=0)
    return records[:last]


class Judged(NamedTuple):
    """What is wrong with evidence whose chain is sound, where something is."""

    outcome: Soundness
    reason: str = ""


def judged(file: Path, records: tuple[Record, ...], bound: Mapping[str, str], keys: frozenset[str]) -> Judged:
    """Hold the first record against what the run is bound to, and the last signature against the file."""
    signed = max((record.seq for record in records if record.kind == HeadSigned.KIND), default=0)
    return _judge(file, records, records[signed:], bound, keys)


def _judge(
    file: Path, records: tuple[Record, ...], after: tuple[Record, ...], bound: Mapping[str, str], keys: frozenset[str]
) -> Judged:
    """Judge by the first record, those of commands and signatures, and all that are `after` the last signature."""
    try:
        first = RunBegun.of(records[0])
    except UnknownRecord as exc:
        return Judged(Soundness.BROKEN, str(exc))
    if first is None:
        return Judged(Soundness.UNSIGNED, _("nobody has signed for it"))
    for name, value in bound.items():
        if (found := getattr(first, name)) != value:
            reason = _("its first record was written for another {name}: {found} and not {value}")
            return Judged(Soundness.BROKEN, reason.format(name=name, found=found, value=value))
    if keys and first.key not in keys:
        return Judged(Soundness.BROKEN, _("it was signed with another key than the one that the run was begun with"))
    signed = [record for record in records if record.kind == HeadSigned.KIND]
    key = _keys_in(record for record in records if not signed or record.seq < signed[-1].seq)[-1]
    if signed and not _stands(file, signed[-1], first, key):
        reason = _("record {number}: {wrong}").format(
            number=signed[-1].seq, wrong=_("the records before it are not those that were signed")
        )
        return Judged(Soundness.BROKEN, reason)
    return _at_the_end(records, after)


def _keys_in(records: Iterable[Record]) -> tuple[str, ...]:
    """Return the keys by which a run was signed for, the last one last."""
    said = (RunBegun.of(record) or WitnessRenewed.of(record) for record in records)
    return tuple(one.key for one in said if one is not None)


def _at_the_end(records: tuple[Record, ...], after: tuple[Record, ...]) -> Judged:
    """Judge what follows the last signature, and whether the last command has ended."""
    marks = [record.kind for record in records if record.kind in {CommandBegun.KIND, CommandEnded.KIND}]
    if any(record.kind == CommandEnded.KIND for record in after[:-1]):
        return Judged(Soundness.BROKEN, _("a command ended, and its signature is not there"))
    if after:
        reason = _("the last {count} records are not signed: their command was cut off, or its end was taken away")
        return Judged(Soundness.OPEN, reason.format(count=len(after)))
    if marks[-1:] == [CommandBegun.KIND]:
        return Judged(Soundness.OPEN, _("the last command did not end: it was cut off, or its end was taken away"))
    if any(record.kind == WitnessRenewed.KIND for record in records):
        lost = _("the key that the run was begun with was lost, and another one has signed since")
        return Judged(Soundness.OPEN, lost)
    return Judged(Soundness.SOUND)


def _stands(file: Path, signed: Record, first: RunBegun, key: str) -> bool:
    with suppress(UnknownRecord):
        said = HeadSigned.of(signed)
        assert said is not None
        head = said.head
        with file.open("rb") as content:
            found = hashlib.sha256(content.read(head.bytes)).hexdigest()
        text = statement(first.run, first.plan, head)
        fits = (head.records, head.hash, head.sha256) == (signed.seq - 1, signed.previous, found)
        both = not said.sm2 or stands_by_sm2(text, said.sm2, said.sm2_key)
        return fits and both and is_signed(text, said.signature, key, NAMESPACE)
    return False


def _bindings(home: RunHome) -> dict[str, str]:
    """Return what the first record has to say, from the run's folder and its other files."""
    settings = home.settings()
    return {name: str(getattr(settings, field)) for name, field in BOUND.items()} | {"run": home.path.name}


def _keys(home: RunHome) -> frozenset[str]:
    """Return the keys that runs of this name were begun with here: a folder may have been taken away and made anew."""
    with suppress(OSError):
        lines = (line.split(" ", 2) for line in content_of(witnesses(home)).decode(errors="replace").splitlines())
        return frozenset(words[-1] for words in lines if words[0] == home.path.name)
    return frozenset()


def _busy(home: RunHome) -> bool:
    with suppress(FileNotFoundError), (home.path / "lock").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
