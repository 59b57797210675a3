"""What a killed call of a playbook leaves behind is removed by the next one, and what living ones need stays."""

import subprocess
import sys
from pathlib import Path

from migrations.actuators.ansible.scratch import Scratch, clear_away, lasting_folder, scratch

KEEPER = """
import subprocess, sys, time
from pathlib import Path
from migrations.actuators.ansible.scratch import lasting_folder
folder = lasting_folder(Path(sys.argv[1]))
left = subprocess.Popen(['sh', '-c', 'sleep 60; : $0', folder])
print(folder, left.pid, flush=True)
time.sleep(60)
"""
OWNER = """
import subprocess, sys, time
from pathlib import Path
from migrations.actuators.ansible.scratch import scratch
with scratch(Path(sys.argv[1])) as place:
    left = subprocess.Popen(['sh', '-c', 'sleep 60; : $0', place.sockets / 'master'])
    print(place.private, left.pid, flush=True)
    time.sleep(60)
"""


def test_folders_and_processes_of_a_killed_call_are_gone_with_the_next_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with subprocess.Popen([sys.executable, "-c", OWNER, str(home)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        private, process = owner.stdout.readline().split()
        owner.kill()
    killed = Scratch(Path(private))
    assert killed.private.is_dir()
    assert killed.sockets.is_dir()
    with scratch(home) as place:
        assert list(home.iterdir()) == [place.private]
    assert not killed.sockets.exists()
    command = Path(f"/proc/{process}/cmdline")
    assert not command.exists() or b"master" not in command.read_bytes()


def test_calls_in_one_home_leave_each_other_alone(tmp_path: Path) -> None:
    with scratch(tmp_path) as one:
        with scratch(tmp_path) as other:
            assert {one.private, other.private} == set(tmp_path.iterdir())
            assert one.sockets != other.sockets
        assert one.private.is_dir()
        assert one.sockets.is_dir()
        assert not other.sockets.exists()
    assert list(tmp_path.iterdir()) == []


def test_what_calls_and_servers_of_a_killed_process_left_is_cleared_away_and_what_lives_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    clear_away(home)
    owners = [
        subprocess.Popen([sys.executable, "-c", source, str(home)], stdout=subprocess.PIPE, text=True)
        for source in (OWNER, KEEPER)
    ]
    processes = []
    for owner in owners:
        with owner:
            assert owner.stdout is not None
            folder, process = owner.stdout.readline().split()
            processes.append((process, folder))
            clear_away(home, patience=0)
            assert Path(folder).is_dir()
            owner.kill()
    living = lasting_folder(home)
    clear_away(home, patience=0)
    assert list(home.iterdir()) == [living]
    for process, folder in processes:
        command = Path(f"/proc/{process}/cmdline")
        assert not command.exists() or folder.encode() not in command.read_bytes()
