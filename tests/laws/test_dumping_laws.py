"""Laws of writing: what is dumped reads back as itself, and what is revised in place holds what was wanted."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.files.dumping import yaml_text
from inventory.files.reading import read
from inventory.files.revising import revised

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
scalars = st.one_of(
    words,
    st.booleans(),
    st.none(),
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["no", "on", "null", "~", "0o17", "010", "1e5", "2017-03-01", "12.5", "- a", "a: b", "a #b", "'", '"']
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=20,
)
documents = st.dictionaries(words, values, min_size=1, max_size=5)


def plain(text: str) -> list[Any]:
    trees, problems = read(text.encode())
    assert problems == ()
    return [tree.plain for tree in trees]


@given(documents)
def test_what_is_written_is_read_as_itself(document: dict[str, Any]) -> None:
    assert plain(yaml_text(document)) == [document]


@st.composite
def grown(draw: st.DrawFn, value: Any) -> Any:
    """Something that has all that a value has, some of it changed, and perhaps more."""
    if isinstance(value, dict):
        more = draw(st.dictionaries(words, values, max_size=2))
        mixed = {key: draw(grown(each)) for key, each in value.items()}
        whole = {**mixed, **{key: each for key, each in more.items() if key not in mixed}}
        return {key: whole[key] for key in draw(st.permutations(list(whole)))}
    if isinstance(value, list):
        return [*[draw(grown(each)) for each in value], *draw(st.lists(values, max_size=2))]
    return draw(st.one_of(st.just(value), st.just(value), values))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    document = draw(documents)
    return document, draw(grown(document))


@given(pairs())
@settings(max_examples=300)
def test_what_is_revised_holds_what_was_wanted(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    old, wanted = pair
    text = yaml_text(old)
    assert plain(revised(text, [wanted])) == [wanted]
    assert revised(text, [old]) == text
