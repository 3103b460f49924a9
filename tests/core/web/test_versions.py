"""Versions of what forms change."""

import pytest

from handcart.core.web.versions import Changed, check, version_of


def test_a_value_is_another_then_the_version_is_another() -> None:
    assert version_of("a", 1, None) == version_of("a", 1, None)
    versions = [version_of(*values) for values in (("a", 1), ("a1",), ("a", "1"), (["a", 1],), ())]
    assert len(set(versions)) == len(versions)
    assert {len(version) for version in versions} == {16}


def test_a_form_has_another_version_then_it_is_refused() -> None:
    check(version_of("open", 3), "open", 3)
    with pytest.raises(Changed):
        check(version_of("open", 3), "closed", 3)
