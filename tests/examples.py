"""How many examples a property is tried with: all of them in CI, a fifth elsewhere."""

import os

from hypothesis import settings

_SHARE = 1 if os.environ.get("CI") else 5
_USUAL = 100


def examples(count: int) -> settings:
    """So many in CI: a decorator for a property that is to have more or fewer than others."""
    return settings(max_examples=count // _SHARE)


def load_profile() -> None:
    """The settings of all properties that say nothing else."""
    # Machines that run tests are shared: a slow example is no failure. What must be fast says so in its own test.
    settings.register_profile("racing-coach", deadline=None, max_examples=_USUAL // _SHARE)
    settings.load_profile("racing-coach")
