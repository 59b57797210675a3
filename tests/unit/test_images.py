"""An image is named by its recipe and made of nothing else."""

from pathlib import Path

import pytest

from infra.parts import images


@pytest.mark.parametrize("name", images.NAMES)
def test_recipes_are_whole(name: str) -> None:
    recipe = images.load_recipe(name)
    assert recipe.suite == name
    assert {"openssh-server", "python3", "postgresql", "nginx-light", "rsync"} <= set(recipe.packages)
    assert "ssh.service" in recipe.enabled
    assert {"postgresql.service", "nginx.service"} <= set(recipe.disabled)
    assert "/etc/ssh/ssh_host_*" in recipe.removed
    assert "/etc/machine-id" in recipe.emptied
    assert not set(recipe.masked) & (set(recipe.enabled) | set(recipe.disabled))


def test_the_cloud_has_what_its_roles_need() -> None:
    assert {"bind9", "haproxy", "pgbouncer"} <= set(images.load_recipe("bookworm").packages)


def test_a_changed_recipe_is_another_image() -> None:
    recipe = images.load_recipe("bookworm")
    assert recipe.key == images.load_recipe("bookworm").key
    assert recipe.key != recipe.model_copy(update={"packages": (*recipe.packages, "htop")}).key


def test_an_image_lies_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZHENGHE_CACHE", str(tmp_path))
    path = images.image_path("bullseye")
    assert path.parent == tmp_path / "images"
    assert path.name == f"bullseye-{images.load_recipe('bullseye').key}"


def test_a_mirror_is_an_argument_and_no_part_of_the_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    recipe = images.load_recipe("bookworm")
    monkeypatch.delenv("ZHENGHE_MIRROR", raising=False)
    assert images.arguments(recipe, tmp_path)[-2:] == ["bookworm", str(tmp_path)]
    before = images.image_path("bookworm")
    monkeypatch.setenv("ZHENGHE_MIRROR", "http://mirror.example/debian")
    assert images.arguments(recipe, tmp_path)[-1] == "http://mirror.example/debian"
    assert images.image_path("bookworm") == before


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert images.main(["build", "potato"]) == 2
    assert "bookworm" in capsys.readouterr().err
