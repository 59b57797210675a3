"""One file with all that proves a run, for somebody who trusts nobody here: made, and checked without anything else.

NoBundle    a file is none of these bundles, or too large to be one
"""

import base64
import errno
import hashlib
import io
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from inventory.errors import ZhengheError
from inventory.plain import one_line
from inventory.words import _
from migrations.evidence.chain import ChainVerdict, Soundness
from migrations.evidence.kinds import HeadSigned, RunBegun
from migrations.home import RunHome, StalePlan, UnreadableRun
from migrations.trust.showing import approvals_shown
from migrations.trust.signing import SigningFailed, is_signed, sign
from migrations.trust.witness import NAMESPACE, key_of, statement, testimony

MOST = 2 << 30
"""Bytes that a bundle may unpack to."""
MANY = 100_000
"""Files and folders that a bundle may have."""
SUMS, SIGNED_SUMS = "SHA256SUMS", "SHA256SUMS.sig"
_ODD_NAMES = {None, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
"""How names in a bundle that no file can have, or has already, come to light; None: it is packed wrongly."""
LISTED = "zhenghe-bundle"
"""What the signature of the list of files is for."""
KEPT = ("run.json", "plan.json", "programme.json", "evidence.jsonl")
FURTHER = ("*.xml", "reports/*.html", "approvals/*", "packages/*")
"""What else is taken along, where it is there: the checks' results, the report, who approved."""
_HOW = """How to check this evidence without zhenghe, in this folder:

    sha256sum --check SHA256SUMS
    ssh-keygen -Y verify -f allowed_signers -I '{run}' -n {listed} -s SHA256SUMS.sig < SHA256SUMS
    ssh-keygen -Y verify -f allowed_signers -I '{run}' -n {namespace} -s head.sig < head
    head -c {bytes} evidence.jsonl | sha256sum        # the same as the line sha256 in the file head
    head -n 1 evidence.jsonl                          # what the run is bound to: plan, world, version, person, key

Compare the key in allowed_signers with the one that was told when the run began. docs/evidence.md says what it proves.
"""


_STAMPED = """
Somebody else's time: the head was there when this authority says so (AUTHORITY.pem: its certificate, from itself).

    openssl ts -verify -data head -in head.tsr -CAfile AUTHORITY.pem
    openssl ts -reply -in head.tsr -text
"""
_BY_SM2 = """
The same head signed by SM2 over SM3; compare sm2.pub with the key that you were given.

    openssl dgst -sm3 -verify sm2.pub -signature head.sm2 head
"""


class NoBundle(ZhengheError):
    """A file is none of these bundles; carries the file and the reason."""

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        super().__init__(_("{file} is no bundle of evidence: {reason}").format(file=file, reason=reason))


def export(home: RunHome, file: Path) -> Path:
    """Write the bundle of a run and return it; OSError where it cannot be written."""
    parts = {name: (home.path / name).read_bytes() for name in _names(home)} | dict(_signed(home))
    sums = "".join(f"{hashlib.sha256(part).hexdigest()}  {name}\n" for name, part in parts.items())
    parts[SUMS] = sums.encode()
    # Reports and results stand in no record: what binds them to the run is this signature.
    with suppress(SigningFailed):
        parts[SIGNED_SUMS] = sign(sums, key_of(home), LISTED).encode()
    scratch = file.with_name(f".{file.name}.new")
    with tarfile.open(scratch, "w:gz") as archive:
        for name, part in parts.items():
            entry = tarfile.TarInfo(f"{home.path.name}/{name}")
            entry.size, entry.mode = len(part), 0o644
            archive.addfile(entry, io.BytesIO(part))
    scratch.replace(file)
    return file


def verify(file: Path) -> ChainVerdict:
    """Check a bundle with nothing but itself; NoBundle where it is none."""
    with tempfile.TemporaryDirectory(prefix="zh-bundle-") as scratch:
        runs = Path(scratch, "runs")
        runs.mkdir()
        home = RunHome(_unpacked(file, runs))
        wrong = [line for line in _text(home.path / SUMS).splitlines() if not _fits(home.path, line)]
        if wrong:
            reason = _("{file} is not as it was put into the bundle").format(file=wrong[0].partition("  ")[2])
            return ChainVerdict(outcome=Soundness.BROKEN, records=0, head="", reason=reason)
        return _listed(home, checked(home))


def _listed(home: RunHome, verdict: ChainVerdict) -> ChainVerdict:
    """Hold the files of a bundle against what the run's key signed of them; no evidence at all proves nothing."""
    if verdict.outcome is Soundness.BROKEN:
        return verdict
    first = next(iter(home.evidence.records()), None) if home.evidence.path.exists() else None
    begun = None if first is None else RunBegun.of(first)
    if begun is None:
        return verdict.model_copy(update={"outcome": Soundness.UNSIGNED, "reason": _("nobody has signed for it")})
    sums = _text(home.path / SUMS)
    named = {line.partition("  ")[2] for line in sums.splitlines()} | {SUMS, SIGNED_SUMS}
    there = {str(each.relative_to(home.path)) for each in home.path.rglob("*") if each.is_file()}
    if more := sorted(there - named):
        reason = _("{file} was put into the bundle later").format(file=more[0])
        return verdict.model_copy(update={"outcome": Soundness.BROKEN, "reason": reason})
    signature = home.path / SIGNED_SUMS
    if not signature.is_file():
        reason = _("its list of files is not signed: reports and results may be others'")
        worse = verdict.outcome is Soundness.SOUND
        return verdict.model_copy(update={"outcome": Soundness.UNSIGNED, "reason": reason}) if worse else verdict
    if not is_signed(sums, _text(signature), begun.key, LISTED):
        reason = _("its list of files is not the one that the run's key signed")
        return verdict.model_copy(update={"outcome": Soundness.BROKEN, "reason": reason})
    return verdict


def checked(home: RunHome) -> ChainVerdict:
    """Check a run's evidence and that its plan is the one that it is bound to."""
    try:
        home.plan()
    except (StalePlan, UnreadableRun) as exc:
        return ChainVerdict(outcome=Soundness.BROKEN, records=0, head="", reason=str(exc))
    verdict = testimony(home)
    if verdict.outcome in {Soundness.BROKEN, Soundness.UNSIGNED}:
        return verdict
    _shown, lacking = approvals_shown(home)
    return verdict.model_copy(update={"outcome": Soundness.BROKEN, "reason": lacking}) if lacking else verdict


def _names(home: RunHome) -> Iterator[str]:
    yield from (name for name in KEPT if (home.path / name).is_file())
    for pattern in FURTHER:
        yield from (str(file.relative_to(home.path)) for file in sorted(home.path.glob(pattern)) if file.is_file())


def _signed(home: RunHome) -> Iterator[tuple[str, bytes]]:
    records = home.evidence.records()
    signed = [said for _record, said in HeadSigned.among(records)]
    first = RunBegun.of(records[0]) if records else None
    if not signed or first is None:
        return
    last = signed[-1]
    head = last.head
    yield "head", statement(first.run, first.plan, head).encode()
    yield "head.sig", last.signature.encode()
    yield "allowed_signers", f'{first.run} namespaces="{NAMESPACE},{LISTED}" {first.key}\n'.encode()
    how = _HOW.format(run=first.run, namespace=NAMESPACE, listed=LISTED, bytes=head.bytes)
    if last.stamp:
        how += _STAMPED
        yield "head.tsr", base64.b64decode(last.stamp)
    if last.sm2:
        how += _BY_SM2
        yield "head.sm2", base64.b64decode(last.sm2)
        yield "sm2.pub", last.sm2_key.encode()
    yield "README", how.encode()


def _unpacked(file: Path, into: Path) -> Path:
    try:
        with tarfile.open(file, "r:gz") as archive:
            size = 0
            for number, entry in enumerate(archive):
                size += entry.size
                name = PurePosixPath(entry.name)
                outside = name.is_absolute() or ".." in name.parts
                if size > MOST or number > MANY or outside or not (entry.isfile() or entry.isdir()):
                    raise NoBundle(file, _("it holds more than such a bundle"))
                if (part := archive.extractfile(entry)) is not None:
                    (into / name).parent.mkdir(parents=True, exist_ok=True)
                    with (into / name).open("xb") as written:
                        shutil.copyfileobj(part, written)
    except (tarfile.TarError, zlib.error, EOFError, ValueError, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno not in _ODD_NAMES:
            raise
        raise NoBundle(file, one_line(str(exc), 200)) from exc
    found = [each for each in into.iterdir() if (each / SUMS).is_file() and (each / "run.json").is_file()]
    if len(found) != 1:
        raise NoBundle(file, _("it holds no run"))
    return found[0]


def _text(file: Path) -> str:
    return file.read_bytes().decode(errors="replace")


def _fits(folder: Path, line: str) -> bool:
    digest, _space, name = line.partition("  ")
    if "\0" in name:
        return False
    part = (folder / name).resolve()
    inside = part.is_relative_to(folder.resolve()) and part.is_file()
    return inside and hashlib.sha256(part.read_bytes()).hexdigest() == digest
