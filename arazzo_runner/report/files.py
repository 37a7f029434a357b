"""Files that hold secrets, under the name that reports know them by."""

from __future__ import annotations

from arazzo_runner.private_files import PrivateFile as PrivateFile
from arazzo_runner.private_files import make_private_folder as make_private_folder
from arazzo_runner.private_files import state_folder as state_folder
