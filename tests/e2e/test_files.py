"""Files are sent as files: every spelling of docs/files.md reaches a server, which another parser reads."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import File, RunOptions
from tests.e2e.conftest import Arazzo
from tests.e2e.server import Answer, Conversation, Received, conversation

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")
CAT = b"\x89PNG\r\n\x1a\n\r\r\n\x00--arazzo\xff"
DOG = b"\xff\xd8\xff\xe0 a dog \r\n"
WRITTEN = re.findall(r"```(?:yaml|json|csv) (\S+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"```console files\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]
PYTHON = re.findall(r"```python files\n(.*?)```", PAGE, re.DOTALL)

Sent = tuple[str, str | None, str | None, bytes]


def parts_of(received: Received) -> list[Sent]:
    """Return (name, file name, content type, content) of each part, as the standard library reads them."""
    head = f"Content-Type: {received.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + received.body, policy=HTTP)
    assert message.is_multipart()
    assert not message.defects
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part.get("content-type"),
            bytes(part.get_payload(decode=True) or b""),
        )
        for part in message.iter_parts()
    ]


@pytest.fixture
def server(folder: Path) -> Iterator[Conversation]:
    """A server of the page's API; the page's files are in the working directory."""
    for name, text in WRITTEN:
        (folder / name).write_text(text)
    (folder / "cat.png").write_bytes(CAT)
    (folder / "dog.jpg").write_bytes(DOG)
    with conversation({"POST /photos": [Answer()]}) as heard:
        yield heard


PHOTO = ("photo", "cat.png", "image/png", CAT)
HEADER = ("photo", "cat.png", "image/png", b"\x89PNG\r\n\x1a\n")
MORE = ("more", "dog.jpg", "image/jpeg", DOG)
AGAIN = ("more", "cat.png", "image/png", CAT)
EXPECTED: dict[str, list[list[Sent]]] = {
    "arazzo run upload.yml -w by-path": [
        [("title", None, None, b"Cats"), PHOTO, MORE, ("more", "again.png", "image/x-cat", CAT)]
    ],
    "arazzo run upload.yml -w by-content": [[HEADER, ("more", "notes.txt", "text/plain", b"Two cats and a dog")]],
    "arazzo run upload.yml -w by-input -i photo=@cat.png": [[PHOTO]],
    "arazzo run upload.yml -w by-input -i photo=@cat.png -i more=@dog.jpg -i more=@cat.png": [[PHOTO, MORE, AGAIN]],
    'arazzo run upload.yml -w by-input -i photo=@cat.png -i more=\'[{"path": "dog.jpg"}]\'': [[PHOTO, MORE]],
    "arazzo run upload.yml -w by-input --input-file inputs.yml": [[PHOTO, MORE]],
    "arazzo run upload.yml -w by-input --data rows.json": [[PHOTO], [HEADER]],
    "arazzo run upload.yml -w by-input --data rows.csv": [[PHOTO]],
    "ARAZZO_INPUT_PHOTO=@cat.png arazzo run upload.yml -w by-input": [[PHOTO]],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_sends_its_files(
    command: str, server: Conversation, arazzo: Arazzo, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(command)
    if "=" in words[0]:
        monkeypatch.setenv(*words.pop(0).split("=", 1))
    ran = arazzo(*words[1:], "--server", f"photos={server.url}")
    assert ran.code == 0, ran.err
    assert [parts_of(each) for each in server.received] == EXPECTED[command]


def test_the_python_of_the_page_sends_its_files(server: Conversation) -> None:
    for block in PYTHON:
        exec(block, {"servers": {"photos": server.url}})
    without_name = ("photo", "photo", "image/png", CAT)
    more = [MORE, ("more", "more", "application/octet-stream", CAT)]
    assert [parts_of(each) for each in server.received] == [[without_name, *more], *[[PHOTO, *more]] * 4]


def test_steps_at_the_same_time_and_the_event_loop_send_the_same(server: Conversation, folder: Path) -> None:
    import asyncio

    inputs = {"photo": folder / "cat.png"}
    options = RunOptions(parallel=4)
    arazzo_runner.run("upload.yml", "by-input", inputs, servers={"photos": server.url}, options=options)
    asyncio.run(arazzo_runner.arun("upload.yml", "by-input", inputs, servers={"photos": server.url}))
    assert [parts_of(each) for each in server.received] == [[PHOTO], [PHOTO]]


def test_a_text_that_names_a_file_is_sent_with_a_warning(server: Conversation, folder: Path, arazzo: Arazzo) -> None:
    servers = ["--server", f"photos={server.url}"]
    (folder / "rows.jsonl").write_text('{"photo": "cat.png"}\n')
    for given in (["-i", "photo=cat.png"], ["--data", "rows.jsonl"]):
        ran = arazzo("run", "upload.yml", "-w", "by-input", *servers, *given)
        assert ran.code == 0
        assert 'input "photo" is described as a file and is the text "cat.png"; there is a file of this name' in ran.err
        assert "warning[text-for-file]" in ran.err
    assert (
        "give the file with -i photo=@FILE"
        in arazzo("run", "upload.yml", "-w", "by-input", *servers, "-i", "photo=cat.png").err
    )
    for text in ("dog", "@@cat.png "):
        assert "text-for-file" not in arazzo("run", "upload.yml", "-w", "by-input", *servers, "-i", f"photo={text}").err
    listed = arazzo("run", "upload.yml", "-w", "by-input", *servers, "-i", "photo=@cat.png", "-i", "more=dog.jpg")
    assert listed.code == 2
    assert "give the file with -i more=@FILE" in listed.err


# ------------------------------------------------------------------ files that are not sent

OUTSIDE = 'the file "../cat.png" is outside of DIR: only files below it are sent'


def set_up(folder: Path, payload: str, inputs: str = "{}") -> None:
    """Write a workflow that sends one payload."""
    (folder / "w.yml").write_text(
        "arazzo: 1.0.1\n"
        "info: {title: t, version: '1'}\n"
        "sourceDescriptions: [{name: photos, url: photos.yml}]\n"
        "workflows:\n"
        "  - workflowId: w\n"
        f"    inputs: {{type: object, properties: {inputs}}}\n"
        "    steps:\n"
        "      - stepId: add\n"
        "        operationId: addPhotos\n"
        "        requestBody:\n"
        "          contentType: multipart/form-data\n"
        f"          payload: {payload}\n"
    )


@pytest.mark.parametrize(
    ("payload", "given", "message", "place"),
    [
        pytest.param("{photo: {path: gone.png}}", [], 'the file "gone.png" cannot be sent: it does not exist', "w.yml:12:35", id="one that is not there"),
        pytest.param("{photo: {path: .}}", [], 'the file "." cannot be sent: it is a directory', "w.yml:12:35", id="a directory"),
        pytest.param("{photo: cat, more: [{path: cat.png}, {path: ../cat.png}]}", [], OUTSIDE, "w.yml:12:64", id="one outside, of a list"),
        pytest.param("{photo: {path: $inputs.p}}", ["-i", "p=gone.png"], 'input "p": the file "gone.png" cannot be sent: it does not exist', "w.yml:12:35", id="named by an input"),
        pytest.param("{photo: $inputs.f}", ["--input-file", "in.yml"], f'input "f": {OUTSIDE}', "w.yml:12:28", id="an input that is a file"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_sent_is_told_where_it_is_named(
    payload: str, given: list[str], message: str, place: str, server: Conversation, folder: Path, arazzo: Arazzo
) -> None:
    (folder.parent / "cat.png").write_bytes(CAT)
    (folder / "in.yml").write_text("f: {path: ../cat.png}\n")
    set_up(folder, payload, "{p: {type: string}, f: {type: string, format: binary}}")
    ran = arazzo("run", "w.yml", "--server", f"photos={server.url}", *given)
    assert ran.code == 2
    assert f"error[unusable-file]: {message.replace('DIR', str(folder))}\n" in ran.err
    assert place in ran.err
    assert ("--file-root DIR" in ran.err) is ("outside" in message)
    assert server.received == []


def test_a_folder_that_is_allowed_by_option_configuration_or_python(
    server: Conversation, folder: Path, arazzo: Arazzo
) -> None:
    other = folder.parent / "pictures"
    other.mkdir()
    (other / "cat.png").write_bytes(CAT)
    set_up(folder, "{photo: {path: ../pictures/cat.png}}")
    servers = ["--server", f"photos={server.url}"]
    assert arazzo("run", "w.yml", *servers).code == 2
    assert arazzo("run", "w.yml", *servers, "--file-root", str(other), "--file-root", ".").code == 0
    (folder / "arazzo.toml").write_text('file-roots = ["../pictures"]\n')
    assert arazzo("run", "w.yml", *servers).code == 0
    assert arazzo("run", "w.yml", *servers, "--dry-run").code == 0
    (folder / "arazzo.toml").unlink()
    with pytest.raises(arazzo_runner.InvalidInputs) as refused:
        arazzo_runner.run("w.yml", servers={"photos": server.url})
    assert refused.value.diagnostics[0].hint == "allow its folder with RunOptions(file_roots=[…])"
    allowed = RunOptions(file_roots=(str(other),))
    assert arazzo_runner.run("w.yml", servers={"photos": server.url}, options=allowed).status == "succeeded"
    assert [parts_of(each) for each in server.received] == [[PHOTO]] * 3
    root = ["--file-root", str(other)]
    assert arazzo("run", "w.yml", *servers, *root, "--record", "seen.yml").code == 0
    assert [arazzo("replay", "seen.yml", *each).code for each in (root, [])] == [0, 1]


def test_a_folder_that_is_none_is_refused_before_anything_is_sent(server: Conversation, arazzo: Arazzo) -> None:
    ran = arazzo("run", "upload.yml", "-w", "by-path", "--file-root", "cat.png")
    assert ran.code == 2
    assert '"cat.png" is not a folder' in ran.err
    wrong: Any = "pictures"
    with pytest.raises(arazzo_runner.InvalidUsage, match="file_roots is a list of folders"):
        arazzo_runner.run("upload.yml", "by-path", options=RunOptions(file_roots=wrong))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(Path("gone.png"), 'input "photo": the file gone.png cannot be read: no such file', id="not there"),
        pytest.param(Path(), "is a directory", id="a directory"),
    ],
)
def test_a_path_of_a_python_caller_that_cannot_be_read(value: Path, message: str, server: Conversation) -> None:
    with pytest.raises(arazzo_runner.InvalidInputs, match=message):
        arazzo_runner.run("upload.yml", "by-input", {"photo": value}, servers={"photos": server.url})


def test_a_file_that_is_open_as_text_is_refused(server: Conversation, folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    with open("notes.txt") as opened, pytest.raises(arazzo_runner.InvalidInputs, match="open it with mode"):
        arazzo_runner.run("upload.yml", "by-input", {"photo": opened}, servers={"photos": server.url})


# ------------------------------------------------------------------ an object where a string is described


@pytest.mark.parametrize("title", ["{a: 1}", "{path: cat.png}"])
def test_an_object_for_a_string_is_found_by_validate_and_before_the_request(
    title: str, server: Conversation, folder: Path, arazzo: Arazzo
) -> None:
    set_up(folder, f"{{photo: {{path: cat.png}}, title: {title}}}")
    found = arazzo("validate", "w.yml")
    assert 'warning[payload-mismatch]: step "add": "title" must be string, found object' in found.err + found.out
    ran = arazzo("run", "w.yml", "--server", f"photos={server.url}", "--check-requests", "error")
    assert ran.code == 1
    assert 'error[request-schema]: the request body does not fit: "title" must be string, found object' in ran.err
    assert server.received == []


def test_a_file_of_another_type_than_the_encoding_takes_is_told(
    server: Conversation, folder: Path, arazzo: Arazzo
) -> None:
    (folder / "cat.gif").write_bytes(CAT)
    set_up(folder, "{photo: {path: cat.gif}}")
    ran = arazzo("run", "w.yml", "--server", f"photos={server.url}")
    assert (
        'warning[request-content-type]: the part "photo" is image/gif, the description takes image/png, image/jpeg'
        in (ran.err)
    )
    assert parts_of(server.received[0]) == [("photo", "cat.gif", "image/gif", CAT)]


# ------------------------------------------------------------------ what people see


def test_bytes_are_never_shown_and_parts_are(server: Conversation, folder: Path, arazzo: Arazzo) -> None:
    reports = [f"{kind}=report.{kind}" for kind in ("json", "html", "har", "markdown", "junit")]
    ran = arazzo(
        "run", "upload.yml", "-w", "by-input", "-vv", "-i", "photo=@cat.png", "-i", "more=@dog.jpg", "-i", "more=@cat.png",
        "--server", f"photos={server.url}", *(word for each in reports for word in ("--report", each)),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    texts = [ran.err, ran.out, *(path.read_text() for path in folder.glob("report.*"))]
    assert sum(text.count(f"<{len(CAT)} bytes>") + text.count(f"&lt;{len(CAT)} bytes&gt;") for text in texts) >= 6
    for text in texts:
        for raw in ("PNG\\r\\n", "--arazzo", "iVBOR", "a dog"):
            assert raw not in text
    report = json.loads((folder / "report.json").read_text())
    body = report["runs"][0]["steps"][0]["attempts"][0]["request"]["body"]
    cat = {"filename": "cat.png", "contentType": "image/png", "content": f"<{len(CAT)} bytes>"}
    dog = {"filename": "dog.jpg", "contentType": "image/jpeg", "content": f"<{len(DOG)} bytes>"}
    assert body == {"photo": cat, "more": [dog, cat]}


def test_the_curl_command_of_a_failure_sends_the_same_parts(folder: Path, arazzo: Arazzo) -> None:
    for name, text in WRITTEN:
        (folder / name).write_text(text)
    (folder / "cat.png").write_bytes(CAT)
    (folder / "a;b.png").write_bytes(DOG)
    set_up(
        folder,
        "{photo: {path: cat.png}, title: '@x; \"y\"', more: [{path: a;b.png}, {n: 1, 'a \"b': \";c\"}, '<x', plain]}",
    )
    with conversation({"POST /photos": [Answer(500)]}) as server:
        ran = arazzo("run", "w.yml", "--server", f"photos={server.url}")
        assert ran.code == 1
        line = next(line.strip() for line in ran.err.splitlines() if line.strip().startswith("curl "))
        assert "-F 'photo=@cat.png;type=image/png'" in line
        done = subprocess.run(
            ["sh", "-c", f"{line} --silent"], cwd=folder, check=False, capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        first, second = map(parts_of, server.received)
    assert second == first


def test_a_recording_is_replayed_with_its_files_and_differences_are_told_by_part(
    server: Conversation, folder: Path, arazzo: Arazzo
) -> None:
    run = ["run", "upload.yml", "-w", "by-input", "-i", "photo=@cat.png", "-i", "more=@dog.jpg"]
    assert arazzo(*run, "--server", f"photos={server.url}", "--record", "seen.yml").code == 0
    assert arazzo("replay", "seen.yml").code == 0
    (folder / "cat.png").write_bytes(CAT + b"12345")
    changed = arazzo("replay", "seen.yml", "-i", "photo=@cat.png")
    size = f"({len(CAT) + 5:,} instead of {len(CAT):,})"
    assert f'error[request-differs]: add#1: the request\'s part "photo": other bytes {size}' in changed.err
    assert changed.err.count("error[") == 1
    assert "upload.yml:38:28" in changed.err
    (folder / "dog.png").write_bytes(DOG)
    renamed = arazzo("replay", "seen.yml", "-i", "more=@dog.png", "-i", "more=@dog.jpg")
    assert 'part "more"[0], file name was "dog.jpg", now it is "dog.png"' in renamed.err
    assert 'part "more"[1] was not there, now it is <13 bytes>' in renamed.err


def test_a_boundary_is_no_difference(server: Conversation, folder: Path, arazzo: Arazzo) -> None:
    set_up(folder, "{photo: {path: cat.png}, title: Mia}")
    assert arazzo("run", "w.yml", "--server", f"photos={server.url}", "--record", "seen.yml").code == 0
    text = (folder / "w.yml").read_text()
    (folder / "w.yml").write_text(text.replace("multipart/form-data", "multipart/form-data; boundary=mine"))
    assert arazzo("replay", "seen.yml").code == 0
    (folder / "w.yml").write_text(text.replace("title: Mia", "title: Eva"))
    assert 'the request\'s part "title" was "Mia", now it is "Eva"' in arazzo("replay", "seen.yml").err


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        pytest.param(["-i", "photo=@cat.png"], None, id="a file of the right type"),
        pytest.param(["-i", "photo=@notes.txt"], 'the part "photo" is text/plain, expected image/png, image/jpeg', id="of another type"),
    ],
)  # fmt: skip
def test_the_mock_checks_parts(
    given: list[str], answer: str | None, server: Conversation, folder: Path, arazzo: Arazzo
) -> None:
    (folder / "notes.txt").write_text("x")
    ran = arazzo("run", "upload.yml", "-w", "by-input", "--mock", *given)
    assert ran.code == (0 if answer is None else 1)
    assert answer is None or answer.replace('"', '\\"') in ran.err


def test_the_mock_refuses_an_object_for_a_string_and_a_form_without_its_file(
    server: Conversation, folder: Path, arazzo: Arazzo
) -> None:
    set_up(folder, "{photo: {path: cat.png}, title: {a: 1}}")
    assert (
        'the part \\"title\\" does not fit: the value must be string, found object'
        in arazzo("run", "w.yml", "--mock").err
    )
    set_up(folder, "{title: Mia}")
    assert 'the form lacks \\"photo\\"' in arazzo("run", "w.yml", "--mock").err


def test_a_durable_run_keeps_the_files_of_its_inputs(
    server: Conversation, folder: Path, arazzo: Arazzo, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dbos")
    monkeypatch.setenv("ARAZZO_JOURNAL_KEY", "A" * 43 + "=")
    ran = arazzo(
        "run", "upload.yml", "-w", "by-input", "--durable", "--run-id", "r", "--store", str(folder / "runs.sqlite"),
        "--server", f"photos={server.url}", "-i", "photo=@cat.png", "-i", "more=@dog.jpg",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert parts_of(server.received[0]) == [PHOTO, MORE]
    shown = arazzo("runs", "show", "r", "--store", str(folder / "runs.sqlite"))
    assert shown.code == 0, shown.err
    assert CAT not in (folder / "runs.sqlite").read_bytes()


def test_a_file_of_an_input_is_a_value_like_others(server: Conversation, folder: Path, arazzo: Arazzo) -> None:
    text = (folder / "upload.yml").read_text()
    (folder / "upload.yml").write_text(text + "    outputs: {photo: $inputs.photo}\n")
    ran = arazzo("run", "upload.yml", "-w", "by-input", "-i", "photo=@cat.png", "--server", f"photos={server.url}")
    assert json.loads(ran.out) == {"photo": f"<{len(CAT)} bytes>"}
    result = arazzo_runner.run("upload.yml", "by-input", {"photo": File(CAT)}, servers={"photos": server.url})
    assert result.outputs == {"photo": CAT}


def test_outputs_that_are_files_are_handed_to_a_later_run(server: Conversation, folder: Path, arazzo: Arazzo) -> None:
    text = (folder / "upload.yml").read_text()
    (folder / "upload.yml").write_text(
        text + "        outputs: {photo: $inputs.photo}\n      - stepId: again\n        operationId: addPhotos\n"
        "        requestBody: {contentType: multipart/form-data, payload: {photo: $steps.add.outputs.photo}}\n"
    )
    run = ["run", "upload.yml", "-w", "by-input", "-i", "photo=@cat.png", "--server", f"photos={server.url}"]
    shown = arazzo(*run, "--until", "add", "--output", "outputs.json").out
    assert arazzo(*run, "--from", "again", "--outputs-from", "outputs.json").code == 0
    assert [parts_of(each) for each in server.received] == [[PHOTO], [PHOTO]]
    (folder / "shown.json").write_text(shown)
    refused = arazzo(*run, "--from", "again", "--outputs-from", "shown.json")
    assert refused.code == 2
    assert 'output "photo" of step "add" is masked, or a file that is shown by its size' in refused.err


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"-----BEGIN KEY-----\nc2VjcmV0LWtleQ==\n-----END KEY-----\n", id="a text"),
        pytest.param(b"\x30\x82\xff\xfe a key that is no text \x00\x01", id="bytes"),
    ],
)
def test_a_secret_file_is_masked_where_text_holds_it(
    content: bytes, server: Conversation, folder: Path, arazzo: Arazzo
) -> None:
    text = (folder / "photos.yml").read_text()
    body = "{application/json: {schema: {properties: {pem: {type: string, contentEncoding: base64}}}}}"
    (folder / "photos.yml").write_text(
        text.replace("multipart/form-data:", f"{body[1:-1]}\n          multipart/form-data:")
    )
    (folder / "key.pem").write_bytes(content)
    (folder / "w.yml").write_text(
        "arazzo: 1.0.1\ninfo: {title: t, version: '1'}\nsourceDescriptions: [{name: photos, url: photos.yml}]\n"
        "workflows:\n  - workflowId: w\n    inputs: {properties: {privateKey: {type: string, format: binary}}}\n"
        "    steps:\n      - stepId: add\n        operationId: addPhotos\n        requestBody:\n"
        "          contentType: application/json\n          payload: {pem: $inputs.privateKey}\n"
    )
    ran = arazzo(
        "run",
        "w.yml",
        "-vv",
        "-i",
        "privateKey=@key.pem",
        "--server",
        f"photos={server.url}",
        "--report",
        "json=r.json",
    )
    assert ran.code == 0, ran.err
    sent = json.loads(server.received[0].body)["pem"]
    assert base64.b64decode(sent) == content
    for shown in (ran.err, (folder / "r.json").read_text()):
        assert sent[:40] not in shown
        assert "***" in shown
