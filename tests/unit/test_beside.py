"""Paths that prefix.boundary takes for ones beside the prefix."""

import warnings

import pytest

with warnings.catch_warnings(action="ignore"):  # the suite's own plugin knows its mark
    from behindproxy.contract.checks.test_prefix import beside


@pytest.mark.parametrize("prefix", ["/api/v1", "/team/app", "/app"])
def test_none_is_the_prefix_itself_or_below_it(prefix):
    assert not [path for path in beside(prefix) if f"{path}/".startswith(f"{prefix}/")]
    assert f"{prefix}0/app" in beside(prefix)
