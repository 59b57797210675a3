"""Kinds of components: what cannot be used is told with its file."""

from pathlib import Path

import pytest

from inventory.kinds import KindError, load_kinds


@pytest.mark.parametrize(
    "text, said",
    [
        ("title: {en: a}", "title.zh"),
        ("title: {en: a, zh: b}\nsettings: {type: nonsense}", "nonsense"),
        ("title: {en: a, zh: b}\nmoves: fly", "moves"),
        ("[1", "flow sequence"),
        ("", "NoneType"),
    ],
)
def test_a_kind_that_cannot_be_used_is_told_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "kind.yaml").write_text(text)
    with pytest.raises(KindError, match=said) as error:
        load_kinds(tmp_path)
    assert error.value.file == tmp_path / "web" / "kind.yaml"
