"""Nobody needs more rights than he uses: no root logins on hosts, no root on the controller."""

import getpass
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.certifying import NotCertified, certify
from infra.parts.images import image_path
from infra.ssh import client
from infra.sudo import BOOTSTRAP, PYTHON, as_root, as_root_if_allowed, sudoers
from tests.attacks.conftest import Broken

NOBODY = 65534
ROOT = Path(__file__).parents[2]
# A whole passage as an ordinary user: the engine, its gate, the worker, a lock, the evidence.
PASSAGE = f"""
import os, sys
from pathlib import Path
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
from migrations.home import RunHome, RunSettings
from migrations.plan import digest
from migrations.run.runner import Listener, running
from migrations.states import Direction
from tests.real.recorder import WORKER, Recorder
from tests.real.test_run import PLAN
home = RunHome(Path(sys.argv[1]) / "runs" / "run")
home.create(PLAN, RunSettings(run="run", plan=digest(PLAN), world=Path("/nowhere"), heartbeat=20))
with running(home, Listener(), WORKER) as runner:
    runner.take(Direction.FORWARD)
print(len(Recorder(home).effects()), "effects")
"""
# A host's root without the host: an account of which it knows what `sudoers` says, and what that account tries.
ON_A_HOST = """
set -e
place=$1 image=$2
shift 2
mount -t tmpfs none "$place" && mkdir "$place/upper" "$place/work" "$place/root"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$place/upper,workdir=$place/work" "$place/root"
mount --rbind /proc "$place/root/proc" && mount --rbind /dev "$place/root/dev"
cd "$place/root"
chroot . useradd --create-home mover
(umask 337 && printenv RIGHTS > etc/sudoers.d/zhenghe)
chroot . visudo --check --quiet
for command; do
    printenv SAID | chroot . runuser -u mover -- sh -c "$command" 2>&1 | tail -n 1
done
"""
TRIES = ("sudo -n id", "sudo -n sh", "sudo -n python3 -c 1", "sudo -n python3 -BIuc 'print(1)'", "sudo -n -u daemon id")


@pytest.mark.real
def test_a_run_needs_no_root_on_the_controller() -> None:
    with tempfile.TemporaryDirectory(prefix="zh-ordinary-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        words = [sys.executable, "-c", PASSAGE, folder]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, env={"HOME": folder})
        assert done.stdout.strip().endswith("effects"), done.stderr
        assert {path.owner() for path in Path(folder).rglob("*") if not path.is_symlink()} == {"nobody"}


@pytest.mark.real
def test_what_root_set_up_for_itself_keeps_no_ordinary_user_from_providing_a_site(tmp_path: Path) -> None:
    (tmp_path / "cache" / "launchers").mkdir(parents=True)
    (tmp_path / "cache" / "launchers").chmod(0o700)
    with tempfile.TemporaryDirectory(prefix="zh-ordinary-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        for cache in (str(tmp_path / "cache"), f"{folder}/cache"):
            words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", sys.executable, "-c",
                     "from infra.parts.toolchain import launchers; print(launchers({'x': 'infra'}))"]  # fmt: skip
            environment = {"HOME": folder, "ZHENGHE_CACHE": cache}
            done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            assert done.stdout.startswith(folder), done.stderr


@pytest.mark.real
@pytest.mark.parametrize("image", ["bullseye", "bookworm"])
def test_an_account_may_do_what_a_run_asks_for_and_nothing_else(image: str, tmp_path: Path) -> None:
    said = json.dumps({"bootstrap": "import os\ndef look(h):\n    print('as', os.geteuid())", "how": "look"})
    words = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        ON_A_HOST,
        "sh",
        str(tmp_path),
        str(image_path(image)),
        as_root(),
        *TRIES,
    ]
    environment = {**os.environ, "RIGHTS": sudoers("mover"), "SAID": said}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    first, *refusals = done.stdout.splitlines()
    assert first == "as 0", done
    assert len(refusals) == len(TRIES)
    assert {"a password is required" in line for line in refusals} == {True}


def test_the_one_command_is_written_as_sudoers_wants_it() -> None:
    lines = sudoers("mover").splitlines()
    assert lines[-1].startswith("mover ALL=(root) NOPASSWD: /usr/bin/python3 -BIuc ")
    # No pattern is left in it that another command would match.
    command = lines[-1].split("NOPASSWD: ")[1]
    for special in "*?[]!":
        assert command.replace(f"\\{special}", "").count(special) == 0
    assert command.replace("\\", "").split(" ", 2)[2] == BOOTSTRAP
    assert PYTHON[-1] in as_root().replace("'\"'\"'", "'")
    assert "sudo -n -l" in as_root_if_allowed()


def test_a_runs_key_is_let_in_for_hours_as_its_own_account_and_as_nobody_else(
    make_broken: Callable[[], Broken],
) -> None:
    world = make_broken()
    world.host("host")
    (world.folder / "authorized").write_text("")
    _keygen("-f", str(world.folder / "authority"))
    user = getpass.getuser()
    trusted = f"TrustedUserCAKeys {world.folder}/authority.pub\n"
    (world.folder / "host.sshd").write_text((world.folder / "host.sshd").read_text() + trusted)
    world.does("host", "echo let in; echo $SSH_ORIGINAL_COMMAND\n")
    for account, hours, there in ((user, 8, True), ("somebody", 8, False)):
        certified = certify(world.folder, world.folder / "authority", [account], hours, "zhenghe broken")
        assert certified.key.stat().st_mode & 0o77 == 0
        assert "(none)" in certified.told.split("Extensions:")[1]
        words = [*client(world.world.ssh_config), "-i", str(certified.key), "host", "id"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert ("let in" in done.stdout) is there, done
    with pytest.raises(NotCertified):
        certify(world.folder, world.folder / "nothing", [user], 8, "zhenghe broken")
    assert not (world.folder / "run-key").exists()


def _keygen(*words: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", *words], check=True)
