"""The package of docs/brokers.md, with its own test, as it is installed: found by its entry point."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "brokers.md").read_text(encoding="utf-8")


def test_the_package_of_the_page_is_found_and_passes_its_test(tmp_path):
    files = dict(re.findall(r"^`([\w.]+)`[^\n]*:\n\n```\w+\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
    assert sorted(files) == ["arazzo_folder.py", "pyproject.toml", "test_arazzo_folder.py"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    installed(tmp_path, tomllib.loads(files["pyproject.toml"])["project"])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "--basetemp", "temporary", "test_arazzo_folder.py"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def installed(folder: Path, project: dict[str, object]) -> None:
    """Write what an installer writes about a package: nothing is fetched to build it."""
    about = folder / f"{str(project['name']).replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups: dict[str, dict[str, str]] = project["entry-points"]  # type: ignore[assignment]
    lines = [f"[{group}]\n" + "".join(f"{n} = {v}\n" for n, v in found.items()) for group, found in groups.items()]
    (about / "entry_points.txt").write_text("\n".join(lines))
