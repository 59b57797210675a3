"""A playbook's words are read while it says them, and nobody forks in a process that has other libraries' threads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.worlds import CloudSettings, World
from migrations.actuators.ansible.runner import HostUnreachable, Playbooks
from migrations.actuators.ansible.streams import heard

COMPONENT = {
    "name": "files",
    "kind": "web",
    "sources": ["nowhere"],
    "source_addresses": ["10.0.0.1"],
    "targets": ["nowhere"],
    "target_addresses": ["10.0.0.2"],
    "settings": {"root": "/srv/files", "service": "files"},
}
STEP = {"system": "archive", "verb": "prepare", "names": {}, "limits": {}}
ARGUMENTS = {**STEP, "components": [COMPONENT], "entries": []}


def test_what_was_written_is_there_at_the_end_and_whole() -> None:
    said: list[str] = []
    with heard(said.append) as stream:
        words = "字" * 50_000
        done = subprocess.run([sys.executable, "-Sc", f"print('字' * {len(words)}, end='')"], stdout=stream, check=True)
    assert (done.returncode, "".join(said)) == (0, words)


def test_who_outlives_a_command_with_its_stream_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migrations.actuators.ansible.streams.PATIENCE", 0.1)
    said: list[str] = []
    with heard(said.append) as stream:
        daemon = subprocess.Popen(["sh", "-c", "echo here; exec sleep 100"], stdout=stream)
        while not said:
            pass
    daemon.kill()
    daemon.wait()
    assert said == ["here\n"]


def test_what_the_reader_raises_is_raised() -> None:
    def refuse(_text: str) -> None:
        raise KeyError("no")

    with pytest.raises(KeyError), heard(refuse) as stream:
        os.write(stream, b"words")


def test_a_call_forks_nothing_in_this_process_and_its_words_are_heard(tmp_path: Path) -> None:
    # A pseudo-terminal is made by a fork that runs these; gRPC's threads did not survive it.
    forks: list[int] = []
    os.register_at_fork(before=lambda: forks.append(1))
    (tmp_path / "ssh_config").write_text("Host *\n  ProxyCommand false\n")
    cloud = CloudSettings(backend="twin", endpoint="nowhere")
    world = World(name="w", kind="real", ssh_config=tmp_path / "ssh_config", cloud=cloud)
    told: list[str] = []
    with pytest.raises(HostUnreachable, match="archive: prepare on nowhere"):
        Playbooks(world, tmp_path / "home").call(ARGUMENTS, "probe", 120, told.append)
    assert told
    assert all(text.startswith("archive: prepare: ") for text in told)
    assert forks == []
