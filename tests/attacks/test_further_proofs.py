"""An auditor who trusts no key of ours: somebody else's time, the algorithms he asks for, what all was made of."""

import hashlib
import importlib.util
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from migrations.evidence.chain import Soundness
from migrations.evidence.kinds import HeadSigned, RunBegun
from migrations.home import RunHome, RunSettings
from migrations.plan import Plan, digest
from migrations.trust import bundle
from migrations.trust.stamping import DIGEST, SM2, STAMP
from migrations.trust.witness import testimony as judged
from migrations.trust.witness import witnessed

ROOT = Path(__file__).parents[2]
PLAN = Plan(programme="p", units=(), untouched=())
AUTHORITY = """
[tsa]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512, sm3
ess_cert_id_alg = sha256
"""


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A time stamp authority of its own, that reads queries from its input."""
    folder = tmp_path / "authority"
    folder.mkdir()
    (folder / "tsa.cnf").write_text(AUTHORITY.format(folder=folder))
    (folder / "serial").write_text("01\n")
    purpose = ("-addext", "extendedKeyUsage=critical,timeStamping", "-addext", "keyUsage=critical,digitalSignature")
    files = ("-keyout", str(folder / "tsa.key"), "-out", str(folder / "tsa.pem"))
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Time", "-days", "9", *purpose, *files)
    return folder


def _openssl(*words: str, given: bytes = b"") -> str:
    done = subprocess.run(["openssl", *words], input=given, capture_output=True, check=True)
    return done.stdout.decode(errors="replace")


def _run(tmp_path: Path) -> RunHome:
    home = RunHome(tmp_path / "state" / "runs" / "p.1")
    home.create(PLAN, RunSettings(run="p.1", plan=digest(PLAN), world=tmp_path / "world.json", kind="twin"))
    with witnessed(home, "apply"):
        home.evidence.append("seen")
    return home


def _unpacked(home: RunHome, tmp_path: Path) -> Path:
    file = bundle.export(home, tmp_path / "bundle.tar.gz")
    assert bundle.verify(file).outcome is Soundness.SOUND
    (tmp_path / "auditor").mkdir()
    subprocess.run(["tar", "-xzf", str(file), "-C", str(tmp_path / "auditor")], check=True)
    return tmp_path / "auditor" / "p.1"


@pytest.mark.parametrize("by", ["sha256", "sm3"])
def test_a_head_bears_somebody_elses_time(
    tmp_path: Path, authority: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    words = ["openssl", "ts", "-reply", "-queryfile", "/dev/stdin", "-config", str(authority / "tsa.cnf")]
    monkeypatch.setenv(STAMP, f"command:{shlex.join([*words, '-section', 'tsa'])}")
    monkeypatch.setenv(DIGEST, by)
    found = _unpacked(_run(tmp_path), tmp_path)
    check = ("ts", "-verify", "-in", str(found / "head.tsr"), "-CAfile", str(authority / "tsa.pem"), "-data")
    assert "openssl ts -verify" in (found / "README").read_text()
    _openssl(*check, str(found / "head"))
    assert f"Hash Algorithm: {by}" in _openssl("ts", "-reply", "-in", str(found / "head.tsr"), "-text")
    # Another head has no such time.
    (found / "head").write_text((found / "head").read_text().replace("records: ", "records: 1"))
    with pytest.raises(subprocess.CalledProcessError):
        _openssl(*check, str(found / "head"))


def test_an_authority_that_does_not_answer_is_told_and_keeps_nobody_from_going_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STAMP, "command:false")
    monkeypatch.setenv(SM2, str(tmp_path / "nothing"))
    home = _run(tmp_path)
    assert judged(home).outcome is Soundness.SOUND
    ((_record, signed),) = HeadSigned.among(home.evidence.records())
    assert "no time stamp" in signed.missing
    assert "no signature by SM2" in signed.missing


def test_a_head_is_signed_by_sm2_as_well_and_a_false_one_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ours", "another"):
        _openssl("genpkey", "-algorithm", "SM2", "-out", str(tmp_path / name))
    monkeypatch.setenv(SM2, str(tmp_path / "ours"))
    home = _run(tmp_path)
    found = _unpacked(home, tmp_path)
    check = ("dgst", "-sm3", "-verify", str(found / "sm2.pub"), "-signature", str(found / "head.sm2"))
    assert "Verified OK" in _openssl(*check, given=(found / "head").read_bytes())
    rows = [json.loads(line) for line in home.evidence.path.read_text().splitlines()]
    rows[-1]["what"]["sm2_key"] = _openssl("pkey", "-in", str(tmp_path / "another"), "-pubout")
    rows[-1].pop("hash")
    text = json.dumps(rows[-1], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    rows[-1]["hash"] = hashlib.sha256(text.encode()).hexdigest()
    home.evidence.path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    assert judged(home).outcome is Soundness.BROKEN


@pytest.mark.real
def test_a_twins_run_says_of_what_packages_its_hosts_were_made(tmp_path: Path) -> None:
    home = _run(tmp_path)
    first = RunBegun.of(home.evidence.records()[0])
    assert first is not None
    assert set(first.images) == {"bookworm", "bullseye"}
    found = _unpacked(home, tmp_path)
    for name, known in first.images.items():
        listed = (found / "packages" / name).read_bytes()
        assert hashlib.sha256(listed).hexdigest() == known
        assert any(line.startswith(b"postgresql-") for line in listed.splitlines())


def test_the_bill_of_materials_names_every_locked_package_and_module() -> None:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "scripts" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    sbom: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sbom)
    document = sbom.bill(ROOT)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    known = {one["purl"] for one in document["components"]}
    assert len(known) == len(document["components"])
    locked = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line.split(" ")[0]]
    assert len([purl for purl in known if purl.startswith("pkg:pypi/")]) == len(locked) + 1
    modules = [line for line in (ROOT / "infra/parts/pulumi/go.mod").read_text().splitlines() if line.startswith("\t")]
    assert len([purl for purl in known if purl.startswith("pkg:golang/")]) >= len(modules) - 2
    packages = [one for one in document["components"] if one["purl"].startswith("pkg:pypi/")]
    assert all(one["hashes"] for one in packages)
