"""Whatever lies in a run's folder beside its evidence may be lost or damaged, and is made anew."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from migrations.actuators.progress import follow_progress
from migrations.home import RunHome, RunSettings, UnreadableRun
from migrations.plan import Plan, digest
from migrations.run import footing
from migrations.run.footing import NoRoom, mended, needs_room

PLAN = Plan(programme="p", units=(), untouched=())


@pytest.fixture
def home(tmp_path: Path) -> RunHome:
    home = RunHome(tmp_path / "run")
    home.create(PLAN, RunSettings(run="p", plan=digest(PLAN), world=tmp_path / "world.json"))
    home.evidence.append("seen")
    assert mended(home) == ()
    with closing(sqlite3.connect(home.database)) as database:
        database.execute("CREATE TABLE history (event BLOB)")
        database.executemany("INSERT INTO history VALUES (?)", [(b"x" * 900,) for _ in range(60)])
        database.commit()
    assert mended(home) == ()
    return home


def _noise(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for place in range(100, len(content), 7):
        content[place] ^= 0xFF
    file.write_bytes(content)


def _cut(size: int) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(file.read_bytes()[:size])


@pytest.mark.parametrize("damage", [_cut(0), _cut(5000), _cut(60), _noise], ids=["zero", "half", "head", "noise"])
def test_a_damaged_file_of_the_engine_is_kept_aside_and_recorded(
    home: RunHome, damage: Callable[[Path], object]
) -> None:
    damage(home.database)
    damaged = home.database.read_bytes()
    (told,) = mended(home)
    assert "temporal.db.aside-1" in told
    assert not home.database.exists()
    assert home.path.joinpath("temporal.db.aside-1").read_bytes() == damaged
    assert [record.kind for record in home.evidence.records()][-2:] == ["engine-put-aside", "engine-begun"]
    home.database.write_bytes(b"again")
    assert "temporal.db.aside-2" in mended(home)[0]


@pytest.mark.parametrize("key", [None, b"", b"short", bytes(32)], ids=["gone", "empty", "torn", "another"])
def test_an_engine_that_was_sealed_with_a_lost_key_is_put_aside(home: RunHome, key: bytes | None) -> None:
    before = home.key_file.read_bytes()
    if key is None:
        home.key_file.unlink()
    else:
        home.key_file.write_bytes(key)
    assert "another key" in mended(home)[-1]
    assert len(home.key_file.read_bytes()) == 32
    assert home.key_file.read_bytes() != before
    assert not home.database.exists()
    assert mended(home) == ()
    assert before.hex()[:16] not in home.evidence.path.read_text()


def test_an_engine_of_a_version_that_sealed_otherwise_is_put_aside(home: RunHome) -> None:
    home.evidence.path.unlink()
    assert "another key" in mended(home)[0]
    assert not home.database.exists()


def test_an_engine_that_another_version_asked_in_another_order_is_put_aside(
    home: RunHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It would replay what this version never asked for, fail at that again and again, and tell nobody."""
    other = shutil.copytree(footing.ENGINE, tmp_path / "engine")
    monkeypatch.setattr(footing, "ENGINE", other)
    assert mended(home) == ()
    (other / "workflows.py").write_text((other / "workflows.py").read_text() + "# otherwise\n")
    assert "another version" in mended(home)[0]
    assert not home.database.exists()
    assert mended(home) == ()


def test_folders_that_are_gone_are_made_again(home: RunHome) -> None:
    shutil.rmtree(home.locks)
    shutil.rmtree(home.logs)
    assert mended(home) == ()
    assert home.locks.is_dir()
    assert home.logs.is_dir()


@pytest.mark.parametrize("noise", [b"", b'{"programme": ', b"\0" * 200])
@pytest.mark.parametrize("name", ["plan.json", "run.json"])
def test_a_damaged_file_is_named_and_written_again_by_the_same_command(home: RunHome, name: str, noise: bytes) -> None:
    (home.path / name).write_bytes(noise)
    with pytest.raises(UnreadableRun, match=f"{name} is damaged"):
        home.plan()
    settings = RunSettings(run="p", plan=digest(PLAN), world=home.path.parent / "world.json")
    home.create(PLAN, settings)
    assert (home.plan(), home.settings()) == (PLAN, settings)


def test_a_full_disk_is_named_with_its_folder(tmp_path: Path) -> None:
    needs_room(tmp_path)
    with pytest.raises(NoRoom, match=f"{tmp_path} is full .*KiB are free"):
        needs_room(tmp_path, 1 << 60)


@pytest.mark.parametrize("noise", [b"\0garbage", b"7", b"[]", b'{"unit": 1}', b"\xff\xff"])
def test_noise_in_what_is_only_shown_is_passed_over(home: RunHome, noise: bytes) -> None:
    home.progress_file.write_bytes(noise + b"\n" + b'{"unit": "system:a", "step": "s", "text": "t"}\n')
    told, offset = follow_progress(home.progress_file, 0)
    assert [each.text for each in told] == ["t"]
    assert offset == home.progress_file.stat().st_size
