"""Which HTTP library is used, and that it comes without its command line."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = (
    "import sys; from arazzo_runner.sources.http_library import httpx; "
    "print(httpx().__name__, sorted({name.partition('.')[0] for name in sys.modules} & {'httpx', 'httpx2', 'click', 'rich'}))"
)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_the_library_that_the_environment_names_is_used_alone(library):
    pytest.importorskip(library)
    environment = {**os.environ, "ARAZZO_HTTP": library}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == f"{library} ['{library}']"


def test_threads_that_need_it_first_at_the_same_time_all_get_the_whole_library():
    script = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from arazzo_runner.sources.http_library import httpx\n"
        "with ThreadPoolExecutor(8) as threads:\n"
        "    print({hasattr(module, 'InvalidURL') for module in threads.map(lambda _: httpx(), range(8))})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("{True}\n", "")
