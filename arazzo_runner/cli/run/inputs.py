"""The inputs of a run, from the command line, a file, standard input and the environment; outputs of other runs.

Precedence: `-i` over `--input-file` over the environment. To keep secrets out of the command
line, which other users and the shell's history can see, `-i name=@FILE` reads a text from a file,
`-i name=@-` from standard input, and the variable `ARAZZO_INPUT_<NAME>` gives an input that nothing
else gives: `refreshToken` is looked up in ARAZZO_INPUT_refreshToken and ARAZZO_INPUT_REFRESH_TOKEN.

An input that the workflow declares as a file, or whose file is no text, is the file itself. Only what is
declared as one may be large: what else is read is a text, and a pipe may be endless. For a declared file
a text from a table or the environment is `@PATH` too; the run then reads the file, like one
that a document names, because such texts may be other people's.

Outputs of steps are handed from one run to another: `--until` and `--step` print them, `--outputs-from` reads them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from arazzo_runner.base.files import File, from_json, is_size
from arazzo_runner.base.json_values import JsonValue, escaped, type_name
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.base.secrets import MASK
from arazzo_runner.base.user_files import MOST_BYTES, TooLarge, UnusableFile, read_file, read_standard_input, text_of
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.document.positions import FixedPositions, TextPositions
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.engine.inputs import described_input
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity
from arazzo_runner.program.model import Program
from arazzo_runner.report.masking import masked_outputs
from arazzo_runner.runtime.files import MAX_UPLOAD_BYTES

PREFIX: Final = "ARAZZO_INPUT_"
_REPEATED: Final = "repeated-input"
Arguments: TypeAlias = Sequence[tuple[str, str]]
"""The names and texts of `-i`, in their order."""


Places: TypeAlias = Callable[[str], Location | None]


def nowhere(name: str) -> None:
    """Return None: an input is in no file."""


class GivenInputs(Record):
    """Inputs before they are checked: JSON `values` from files, `texts` that the schema is still to coerce.

    `files` are those that `-i name=@FILE` names, until it is known whether they are texts (`with_files_placed`).
    `place` returns where a file gives an input, `column` where a file of rows first names it.
    """

    values: dict[str, JsonValue] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[File, ...]] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
    place: Places = nowhere
    column: Places = nowhere

    @property
    def names(self) -> frozenset[str]:
        """The names of all."""
        return frozenset((*self.values, *self.texts, *self.files))


def given_inputs(
    arguments: Arguments,
    file: str | None,
    names: Iterable[str],
    environment: Mapping[str, str],
    programs: Sequence[Program] = (),
) -> GivenInputs:
    """Read all inputs; `names` are those that the workflow declares. Raises InvalidUsage for an unusable file."""
    return with_environment(stated_inputs(arguments, file, programs), names, environment)


def stated_inputs(arguments: Arguments, file: str | None, programs: Sequence[Program] = ()) -> GivenInputs:
    """Read the inputs of `-i` and `--input-file`; raises InvalidUsage for an unusable file.

    A file of `-i` may be as large as one that is sent if the workflow of one of the programs declares it as one.
    """
    found = None if file is None else read_document(file, "the input file", hint="write name: value, one input a line")
    values = {} if found is None else mapping_of(found)
    texts, literal, files = _of_arguments(arguments, programs)
    values = {name: value for name, value in values.items() if name not in texts and name not in files}
    place = partial(_place_of, found, frozenset(values) - literal.keys())
    return GivenInputs({**values, **literal}, texts, files, tuple(_repeated(arguments)), place)


def _place_of(document: Document | None, values: Collection[str], name: str) -> Location | None:
    """Return where a file gives an input."""
    if document is None or name not in values:
        return None
    line, column = document.at(f"/{escaped(name)}").start
    return place_in(document.uri, line or 1, column or 1)


def place_in(path: str, line: int, column: int = 1) -> Location:
    """Return a line and column of a file of inputs; its text, which may hold secrets, is not quoted."""
    return Location("<stdin>" if path == "-" else path, "", FixedPositions(TextPositions(""), line, column))


def _of_arguments(
    arguments: Arguments, programs: Sequence[Program]
) -> tuple[dict[str, str], dict[str, JsonValue], dict[str, tuple[File, ...]]]:
    """Return the texts of arguments, those that begin with `@`, and the files; the last of a name wins."""
    texts: dict[str, str] = {}
    literal: dict[str, JsonValue] = {}
    files: dict[str, tuple[File, ...]] = {}
    for name, text in arguments:
        before = files.pop(name, ())
        texts.pop(name, None)
        literal.pop(name, None)
        if text.startswith(("@@", "\\@")):
            literal[name] = text[1:]
        elif text.startswith("@"):
            files[name] = (*before, _file_of(name, text, _most_bytes(name, programs)))
        else:
            texts[name] = text
    return texts, literal, files


def with_environment(inputs: GivenInputs, names: Iterable[str], environment: Mapping[str, str]) -> GivenInputs:
    """Add the declared inputs that only the environment gives."""
    found = _environment_inputs(names, environment)
    missing = {name: text for name, text in found.items() if name not in inputs.names}
    return replace(inputs, texts={**inputs.texts, **missing})


def with_defaults(inputs: GivenInputs, names: Iterable[str], values: Mapping[str, JsonValue]) -> GivenInputs:
    """Add the declared inputs that nothing else gives."""
    known = frozenset(names)
    missing = {name: value for name, value in values.items() if name in known and name not in inputs.names}
    return replace(inputs, values={**inputs.values, **missing})


def with_row(inputs: GivenInputs, row: GivenInputs) -> GivenInputs:
    """Return inputs with those of a row, which take precedence."""
    own = row.names
    values = {name: value for name, value in inputs.values.items() if name not in own}
    texts = {name: text for name, text in inputs.texts.items() if name not in own}
    files = {name: each for name, each in inputs.files.items() if name not in own}
    place = partial(_place_with_row, inputs, row)
    return replace(inputs, values={**values, **row.values}, texts={**texts, **row.texts}, files=files, place=place)


def _place_with_row(inputs: GivenInputs, row: GivenInputs, name: str) -> Location | None:
    """Return where an input is given; a missing one is missing in the row."""
    is_elsewhere = name not in row.values and name not in row.texts and (name in inputs.values or name in inputs.texts)
    return inputs.place(name) if is_elsewhere else row.place(name)


def with_files_placed(inputs: GivenInputs, program: Program) -> GivenInputs:
    """Return inputs whose files are texts or values, as the workflow declares them; raises InvalidUsage.

    Texts `@PATH` of inputs that are declared as files become `{path: PATH}`.
    """
    values, texts, warnings = dict(inputs.values), dict(inputs.texts), list(inputs.warnings)
    for name, files in inputs.files.items():
        described = described_input(program, name)
        items = described.items()
        if items is not None and items.asks_for_file:
            values[name] = list(files)
            warnings = [each for each in warnings if not (each.code == _REPEATED and f'"{name}"' in each.message)]
        elif described.asks_for_file:
            values[name] = files[-1]
        else:
            _place(name, files[-1], values, texts)
    for name, text in inputs.texts.items():
        if text.startswith("@") and described_input(program, name).asks_for_file:
            del texts[name]
            values[name] = text[1:] if text.startswith("@@") else {"path": text[1:]}
    return replace(inputs, values=values, texts=texts, files={}, warnings=tuple(warnings))


def _place(name: str, file: File, values: dict[str, JsonValue], texts: dict[str, str]) -> None:
    """Add a file as the text that it holds, or as a file when it is no text."""
    try:
        # Editors and `echo` end a file with a line break that is not part of a token.
        texts[name] = text_of(file).removesuffix("\n").removesuffix("\r")
    except UnusableFile:
        values[name] = file


def _repeated(arguments: Arguments) -> Iterable[Diagnostic]:
    names = [name for name, _ in arguments]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Diagnostic(
                code=_REPEATED,
                severity=Severity.WARNING,
                message=f'input "{name}" is given {names.count(name)} times; the last one is used',
                at=Location(""),
                hint="a list is one JSON text: -i name='[1, 2]'",
            )


def _most_bytes(name: str, programs: Sequence[Program]) -> int:
    """Return how many bytes an input may have: of what may turn out to be a text few, of a declared file many."""
    described = (described_input(program, name) for program in programs)
    is_file = any(each.asks_for_file or (each.items() or each).asks_for_file for each in described)
    return MAX_UPLOAD_BYTES if is_file else MOST_BYTES


def _file_of(name: str, text: str, most: int) -> File:
    """Return the file of an argument `@FILE`; raises InvalidUsage."""
    path = text[1:]
    try:
        return File(read_bytes(path, most), None if path == "-" else os.path.basename(path))
    except InvalidUsage as problem:
        [reason] = problem.diagnostics
        message = f'input "{name}": {reason.message}'
        code, hint = "unreadable-file", f"write a text that begins with @ as -i '{name}=@{text}'"
        if reason.code == "document-too-large":
            code, hint = reason.code, "send a smaller file"
            if most < MAX_UPLOAD_BYTES:
                hint = f"declare the input as a file, format: binary, which may have {MAX_UPLOAD_BYTES:,} bytes"
        raise InvalidUsage([usage_error(message, code=code, hint=hint)]) from None


def read_bytes(path: str, most: int = MOST_BYTES) -> bytes:
    """Return the content of a file or, for `-`, of standard input; raises InvalidUsage."""
    try:
        return read_standard_input(most) if path == "-" else read_file(path, most)
    except UnusableFile as problem:
        what = "standard input" if path == "-" else path or "the file without a name"
        code = "document-too-large" if isinstance(problem, TooLarge) else "unreadable-file"
        raise InvalidUsage([usage_error(f"{what} cannot be read: {problem}", code=code, file=path)]) from None


def read_mapping(path: str, what: str, *, hint: str) -> dict[str, JsonValue]:
    """Read a YAML or JSON mapping from a file or, for `-`, standard input; raises InvalidUsage."""
    found = read_document(path, what, hint=hint)
    return {} if found is None else mapping_of(found)


def mapping_of(document: Document) -> dict[str, JsonValue]:
    """Return the mapping that `read_document` found."""
    return document.value if isinstance(document.value, dict) else {}


def read_document(path: str, what: str, *, hint: str) -> Document | None:
    """Read a file that holds a mapping; None for an empty one. Raises InvalidUsage."""
    name = "<stdin>" if path == "-" else path
    data = read_bytes(path)
    if not data.strip():
        return None
    problems = Problems()
    document = read(data, name, problems)
    if document is None or problems.has_errors:
        raise InvalidUsage(problems.diagnostics)
    if not isinstance(document.value, dict):
        message = f"{what} must hold a mapping of names to values, found {type_name(document.value)}"
        problems.error("wrong-root", message, document.at(), hint=hint)
        raise InvalidUsage(problems.diagnostics)
    return document


def _environment_inputs(names: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return declared inputs from the environment: by exact name, else ignoring case and punctuation."""
    given = {key[len(PREFIX) :]: value for key, value in environment.items() if key.upper().startswith(PREFIX)}
    if not given:
        return {}
    plain = {_plain(key): value for key, value in given.items()}
    found = {}
    for name in names:
        text = given.get(name, plain.get(_plain(name)))
        if text is not None:
            found[name] = text
    return found


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


StepOutputs = dict[str, dict[str, JsonValue]]


def read_step_outputs(path: str) -> StepOutputs:
    """Read outputs by stepId and name from a YAML or JSON file; raises InvalidUsage.

    The file is one that `--until` or `--step` wrote with `--output`, a file of secret outputs, the
    report of `--format json`, or a mapping of stepIds to mappings of outputs.
    """
    value = read_mapping(path, "the file of outputs", hint="write stepId: {output: value}, one step a line")
    found: StepOutputs = {}
    for name, outputs in _steps(value.get("steps", value)):
        if not isinstance(name, str) or not isinstance(outputs, dict):
            message = f"{path}: the outputs of a step are a mapping of names to values"
            raise InvalidUsage([usage_error(message, code="wrong-type", file=path)])
        for output, worth in outputs.items():
            if _is_left_out(worth):
                message = f'{path}: output "{output}" of step "{name}" is masked, or a file that is shown by its size'
                hint = "write the file with --output FILE, which holds secrets and files"
                raise InvalidUsage([usage_error(message, code="masked-output", hint=hint, file=path)])
        if outputs:
            found[name] = _with_files(outputs, path)
    return found


def _steps(value: JsonValue) -> Iterator[tuple[JsonValue, JsonValue]]:
    if isinstance(value, dict):
        yield from value.items()
        return
    for step in value if isinstance(value, list) else [value]:
        yield (step.get("stepId"), step.get("outputs") or {}) if isinstance(step, dict) else (None, None)


def _with_files(outputs: dict[str, JsonValue], path: str) -> dict[str, JsonValue]:
    try:
        found: dict[str, JsonValue] = from_json(outputs)
    except ValueError:
        message = f"{path}: the base64 of a file is not valid"
        raise InvalidUsage([usage_error(message, code="wrong-type", file=path)]) from None
    return found


def _is_left_out(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(map(_is_left_out, value.values()))
    if isinstance(value, list):
        return any(map(_is_left_out, value))
    return isinstance(value, str) and (MASK in value or is_size(value))


def step_outputs(
    program: Program, result: RunResult, given: Mapping[str, Mapping[str, JsonValue]], *, show_secrets: bool
) -> dict[str, JsonValue]:
    """Return `{"steps": {stepId: outputs}}` of the steps given and those that ran, in their order."""
    found: dict[str, Mapping[str, JsonValue]] = dict(given)
    found.update((step.step_id, step.outputs) for step in result.steps if step.outputs)
    secret = {step.step_id: step.secret_outputs for step in program.workflow.steps}
    shown: dict[str, JsonValue] = {}
    for name, outputs in found.items():
        plain = dict(outputs)
        shown[name] = plain if show_secrets else masked_outputs(plain, secret.get(name, ()), result.secrets)
    return {"steps": shown}
