"""One case of fixtures/hostile: its files, its command line, its server, and the expected outcome."""

from __future__ import annotations

import base64
import json
import os
import re
import urllib.parse
import xml.dom.minidom
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.hostile import generated
from tests.hostile.generated_events import ASYNCAPI
from tests.loopback import Reply, Request, serving
from tests.secrets.escapes import ways_out
from tests.yaml_files import read_yaml

CASES = Path(__file__).parents[2] / "fixtures" / "hostile"
SECRET = "canary-5ecret/token"
MOST_CPU = 10.0
MOST_MEMORY = 300_000  # KB
_STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]")
_PLACE = re.compile(r"^ *--> \S.*$", re.MULTILINE)
_COMMANDS = re.compile(r"^\s*::[a-z]|##vso\[|##\[", re.MULTILINE)


def forms(secret: str) -> list[str]:
    """Return the forms of a secret in which it must appear nowhere."""
    found = [secret, json.dumps(secret)[1:-1], secret.replace("/", "\\/"), urllib.parse.quote(secret, safe="")]
    found += [urllib.parse.quote(secret, safe="").lower(), secret.replace("/", "\\u002f")]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret.encode())
        found.append(encoded[(0, 2, 3)[shift] : len(encoded) - 4].decode())
    return found


def let_out(case: dict[str, Any], text: str) -> list[str]:
    """Return in which forms the secret of a case is in a text; a case's own one is looked for behind any two escapes."""
    if "secret" not in case:
        return [repr(form) for form in forms(SECRET) if form in text]
    return [f"escaped as {way}" for way in ways_out(text, case["secret"])]


class Recorder:
    """A loopback server that gives one answer to everything and records requests."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.answer: dict[str, Any] = {}
        self.url = ""

    def reply(self, request: Request) -> Reply:
        """Return the answer of the case at hand."""
        body = request.body.decode("latin-1")
        self.received.append(f"{request.method} {request.target} HTTP/1.1\n{request.headers}\n{body}")
        text = self.answer.get("body", {"name": "Rex"})
        data = (text if isinstance(text, str) else json.dumps(text)).encode("utf-8", "surrogatepass")
        given = self.answer.get("headers") or {}
        pairs = list(given.items()) if isinstance(given, dict) else list(given)
        if not any(name == "Content-Type" for name, _ in pairs):
            pairs.append(("Content-Type", "application/json"))
        filled = [
            (name, str(value).replace("{server}", self.url).replace("{digits}", "9" * 400)) for name, value in pairs
        ]
        return Reply(self.answer.get("status", 200), data, filled)


@contextmanager
def recorder() -> Iterator[Recorder]:
    """Serve a Recorder on a free port."""
    found = Recorder()
    with serving(found.reply) as server:
        found.url = server.url
        yield found


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Return (category, case) of every case."""
    found = []
    for path in sorted(CASES.glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))  # libyaml takes no lone surrogates
        found += [(path.stem, case) for case in content] if isinstance(content, list) else []
    return found


def changed(document: Any, changes: dict[str, Any]) -> Any:
    """Return a document with the values at some JSON Pointers set, appended (`-`) or removed (`~delete`)."""
    for pointer, value in changes.items():
        *above, last = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
        found = document
        for token in above:
            found = found[int(token)] if isinstance(found, list) else found.setdefault(token, {})
        if isinstance(found, list) and last == "-":
            found.append(value)
        elif value == "~delete":
            del found[int(last) if isinstance(found, list) else last]
        else:
            found[int(last) if isinstance(found, list) else last] = value
    return document


class Prepared:
    """The files and the command line of a case, in a folder of its own."""

    def __init__(self, case: dict[str, Any], folder: Path, server: str, faulty: str) -> None:
        self.case = case
        assert case.get("generate", "large") in {**generated.DOCUMENTS, **generated.APIS, **ASYNCAPI}, case["generate"]
        self._places = {
            "{server}": server,
            "{faulty}": faulty,
            "{outside}": str(folder / "outside"),
            "{long}": "a" * 300,
        }
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        (self.work / ".git").mkdir()
        (folder / "outside").mkdir()
        (folder / "outside" / "secret.yml").write_text(
            "a: {name: petId, in: path, required: true, description: outside-canary}\n"
        )
        self._write()
        self._known = set(self.work.rglob("*"))
        self.arguments = self._arguments(server, faulty)

    def written(self) -> dict[str, str]:
        """Return the files that were made meanwhile."""
        made = sorted(path for path in set(self.work.rglob("*")) - self._known if path.is_file())
        return {path.name: path.read_bytes().decode("utf-8", "replace") for path in made}

    def _write(self) -> None:
        case = self.case
        (self.work / "workflow.yml").write_bytes(self._document())
        (self.work / "pets.yml").write_bytes(self._api())
        for name, text in case.get("files", {}).items():
            (self.work / name).parent.mkdir(exist_ok=True)
            (self.work / name).write_text(text)
        for name, target in case.get("links", {}).items():
            os.symlink(self._filled(target), self.work / name)
        for name in case.get("pipes", ()):
            os.mkfifo(self.work / name)

    def _document(self) -> bytes:
        case = self.case
        if "bytes" in case:
            return bytes(base64.b64decode(case["bytes"]))
        if "document" in case:
            return self._filled(case["document"]).encode()
        document = read_yaml(CASES / "base.yml")
        if "unsafe" in case:
            document["workflows"][0]["steps"][0]["operationId"] = "changePet"
        document = changed(document, case.get("set", {}))
        builder = generated.DOCUMENTS.get(case.get("generate", ""))
        text = builder(document) if builder else generated.text_of(document)
        tail: str = case.get("document-tail", "")
        return (self._filled(text) + tail).encode("utf-8", "surrogatepass")

    def _api(self) -> bytes:
        api = changed(read_yaml(CASES / "pets.yml"), self.case.get("api", {}))
        builder = {**generated.APIS, **ASYNCAPI}.get(self.case.get("generate", ""))
        return self._filled(builder(api) if builder else generated.text_of(api)).encode()

    def _filled(self, text: str) -> str:
        for name, value in self._places.items():
            text = text.replace(name, value)
        return text

    def _arguments(self, server: str, faulty: str) -> list[str]:
        case = self.case
        command = case.get("command", "run")
        found = [command, case.get("spec", "workflow.yml")]
        if command == "run" and "token=" not in str(case.get("arguments")):
            found += ["-i", f"token={case.get('secret', SECRET)}"]
        if command == "run" and case.get("server", True):
            found += ["--server", f"pets={faulty + case['fault'] if 'fault' in case else server}"]
        return found + [self._filled(each) for each in case.get("arguments", ())]


def answer_of(case: dict[str, Any]) -> dict[str, Any]:
    """Return what the server answers in a case."""
    name = case.get("generate-answer")
    return generated.ANSWERS[name]() if name else case.get("answer", {})


def complaints(case: dict[str, Any], ended: dict[str, Any], received: list[str], written: dict[str, str]) -> list[str]:
    """Return the failed expectations of a finished case; `written` are the files it made, by name."""
    out, err = ended["out"], ended["err"]
    printed = out + err
    commands = _COMMANDS.findall(printed)
    if "github" in str(case.get("arguments")):
        commands = [command for command in commands if command.strip() not in ("::e", "::w", "::n")]
    wanted = case["exit"] if isinstance(case["exit"], list) else [case["exit"]]
    checks = {
        f"the exit code is {ended['code']}, not {case['exit']}": ended["code"] not in wanted,
        "there is a traceback": "Traceback" in printed,
        f"it took {ended['cpu']:.1f} s of CPU": ended["cpu"] > MOST_CPU,
        f"it took {ended['memory']} KB": ended["memory"] > MOST_MEMORY,
        "a control character is printed": _STEERS.search(printed) is not None,
        "a command to a CI runner is printed": bool(commands),
        "the secret is printed": bool(let_out(case, err if case.get("shown") else printed)),
        f"{case.get('code')} is not told": f"[{case['code']}]" not in printed if "code" in case else False,
        "no place is named": ended["code"] == 2 and not case.get("placeless") and not _PLACE.search(err),
        f'"{case.get("says")}" is not said': str(case.get("says", "")) not in printed,
        "nothing is said": ended["code"] != 0 and not err.strip() and not out.strip(),
        f"{len(received)} requests were sent": len(received)
        != case.get("sends", 0 if ended["code"] == 2 else len(received)),
    }
    found = [complaint for complaint, wrong in checks.items() if wrong]
    for name, text in written.items():
        foreign = case.get("unwritten", ()) if name.endswith(".html") else ()
        found += [f"the secret is in {name}, {how}" for how in let_out(case, text)]
        found += [f"{form!r} is in {name}" for form in foreign if form in text]
        if name.endswith(".xml"):
            xml.dom.minidom.parseString(text)
        if name.endswith((".json", ".har", ".sarif")):
            json.loads(text)
    found += [f"{name} is not written" for name in case.get("writes", ()) if name not in written]
    found += [f"{text!r} is printed" for text in case.get("never", ()) if text in printed]
    found += [f"{text!r} is not sent" for text in case.get("sent", ()) if text not in "".join(received[:1])]
    found += [f"{text!r} is sent" for text in case.get("unsent", ()) if text in "".join(received)]
    return found
