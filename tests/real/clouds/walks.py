"""How much of the suite a commit walks: all of it, or a part of it, on each of the two clouds."""

import pytest

from tests.sampling import only_in_test_all

on_openstack = pytest.mark.by_commit("on OpenStack", 0.05)
"""Of these each commit tries one: a minute of an OpenStack is much."""
_in_twin = pytest.mark.by_commit("in the twin's cloud", 0.25)


def _on(twin: tuple[pytest.MarkDecorator, ...], openstack: tuple[pytest.MarkDecorator, ...]) -> pytest.MarkDecorator:
    grounds = [pytest.param("twin", marks=twin), pytest.param("openstack", marks=openstack)]
    return pytest.mark.parametrize("ground", grounds, indirect=True)


ON_BOTH = _on((), ())
ON_BOTH_SAMPLED = _on((_in_twin,), (on_openstack,))
ON_BOTH_AT_LENGTH = _on((only_in_test_all,), (only_in_test_all,))
