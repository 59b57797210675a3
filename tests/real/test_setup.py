"""The set-up on this machine: it has done its work, does nothing twice, and says what is missing."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.parts import cache, images, toolchain

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "setup.sh"

PROGRAM = """
import pulumi
from answer import ANSWER
pulumi.export("answer", ANSWER)
"""
ANSWER = """
import pulumi
ANSWER = "preview" if pulumi.runtime.is_dry_run() else "update"
"""


def test_a_second_run_does_nothing() -> None:
    before = sorted(path.stat().st_mtime_ns for path in cache.cache_root().glob("*/*"))
    answer = subprocess.run([SCRIPT], capture_output=True, text=True, check=False)
    assert answer.returncode == 0
    assert answer.stderr == ""
    assert sorted(path.stat().st_mtime_ns for path in cache.cache_root().glob("*/*")) == before


def test_two_runs_at_once_both_succeed() -> None:
    runs = [subprocess.Popen([SCRIPT], stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [run.wait(300) for run in runs] == [0, 0]


def test_without_root_one_message_says_what_to_do() -> None:
    # The checkout may lie where another user cannot read, so the script comes through standard input.
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh"]
    with SCRIPT.open() as script:
        answer = subprocess.run(command, stdin=script, cwd="/", capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "need root" in answer.stderr
    assert "mend: start it again as root" in answer.stderr
    assert len(answer.stderr.splitlines()) == 2


@pytest.mark.parametrize("name", images.NAMES)
def test_an_image_has_nothing_of_one_host(name: str) -> None:
    image = images.image_path(name)
    assert not list(image.glob("etc/ssh/ssh_host_*"))
    assert (image / "etc/machine-id").read_bytes() == b""
    assert not list(image.glob("etc/systemd/system/multi-user.target.wants/postgresql*"))
    assert not list(image.glob("etc/systemd/system/multi-user.target.wants/nginx*"))
    assert (image / "etc/systemd/system/multi-user.target.wants/ssh.service").is_symlink()


@pytest.mark.parametrize("name, release", [("bullseye", "13"), ("bookworm", "15")])
def test_an_image_has_a_cluster_in_unicode(name: str, release: str) -> None:
    settings = images.image_path(name) / f"etc/postgresql/{release}/main/postgresql.conf"
    assert "lc_messages = 'C.UTF-8'" in settings.read_text()


def test_programs_of_the_vendors_answer() -> None:
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    for program, argument in ((toolchain.pulumi_path(), "version"), (toolchain.temporal_path(), "--version")):
        assert subprocess.run([program, argument], capture_output=True, check=True, env=environment).stdout


def test_the_language_host_runs_a_folder_and_keeps_nothing_from_the_preview(
    tmp_path: Path, pulumi: Callable[..., str]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: trial\nruntime: python\nmain: program\n")
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "__main__.py").write_text(PROGRAM)
    (tmp_path / "program" / "answer.py").write_text(ANSWER)
    pulumi("stack", "init", "trial")
    pulumi("up", "--yes")
    assert pulumi("stack", "output", "answer").strip() == "update"


@pytest.fixture
def pulumi(tmp_path: Path) -> Callable[..., str]:
    environment = os.environ | {
        "PATH": toolchain.search_path(),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "of a trial",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def run(*arguments: str) -> str:
        command = ["pulumi", "--non-interactive", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        ).stdout  # fmt: skip

    return run
