"""How the whole suite runs: CI tries the same examples every time, a person's run tries new ones."""

from __future__ import annotations

import os

from hypothesis import settings

os.environ["ARAZZO_NO_CACHE"] = "1"  # nothing of the suite belongs into a person's cache

os.environ.pop("COLUMNS", None)  # nothing is wrapped where a test does not ask for it

# No test asks the keyring of whoever runs it.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"

settings.register_profile("ci", derandomize=True, database=None)
if os.environ.get("CI"):
    settings.load_profile("ci")
