"""docs/python.md: its examples are typed, and its service cancels a run whose client has left."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Reply, serving

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(
    r"```python(?: run)?\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL
)


def test_every_example_passes_mypy_strict(tmp_path: Path) -> None:
    for number, block in enumerate(BLOCKS):
        (tmp_path / f"example_{number}.py").write_text(block, encoding="utf-8")
    files = [str(path) for path in sorted(tmp_path.glob("*.py"))]
    command = [sys.executable, "-m", "mypy", "--strict", *files]  # as pyproject.toml: one cache
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=480, check=False)
    assert done.returncode == 0, done.stdout


class Client:
    """A client of an ASGI application that leaves; the application hears of it at its next look."""

    def __init__(self, body: bytes, left: threading.Event) -> None:
        self._body: bytes | None = body
        self._left = left
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body}
        if self._left.is_set():
            return {"type": "http.disconnect"}
        return await asyncio.get_running_loop().create_future()  # nothing comes

    async def send(self, message: Any) -> None:
        self.sent.append(message)


SCOPE = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": "/rotations",
    "raw_path": b"/rotations", "query_string": b"", "headers": [(b"content-type", b"application/json")],
    "scheme": "http", "server": ("service", 80), "client": ("127.0.0.1", 1), "root_path": "",
}  # fmt: skip


def test_the_service_cancels_the_run_of_a_client_that_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (block,) = [each for each in BLOCKS if "until_the_client_leaves" in each]
    waiting, released = threading.Event(), threading.Event()

    def answer(request: Any) -> Reply:
        waiting.set()
        released.wait(30)
        return Reply(200)

    with serving(answer) as server:
        monkeypatch.setenv("PRISMATIC_URL", server.url)
        example: dict[str, Any] = {"__name__": "example"}
        exec(block.partition("# A client in the same process")[0], example)
        client = Client(b'{"refreshToken": "t1"}', waiting)

        async def main() -> None:
            app = example["app"]
            async with example["lifespan"](app):
                await app(dict(SCOPE), client.receive, client.send)
                assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(main())
        assert client.sent[0]["status"] == 499
        released.set()
        assert [each.target for each in server.received] == ["/auth/refresh"]
