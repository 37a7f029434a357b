"""A rule that is not even imported for a document would have found nothing in it."""

from __future__ import annotations

import inspect
import json
import random
import re
from pathlib import Path

import pytest
import yaml

from arazzo_runner import lint as validation
from arazzo_runner.base.json_values import escaped
from arazzo_runner.errors import Diagnostic, InvalidDescription, Severity
from arazzo_runner.lint.analysis import schemas
from arazzo_runner.lint.analysis.response_types import Forecast
from arazzo_runner.lint.analysis.secret_forms import SECRETS, signs_in, suspects
from arazzo_runner.lint.analysis.text_index import Texts
from arazzo_runner.lint.checker import open_document
from arazzo_runner.lint.codes import OPTIONS
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules import (
    RULES,
    constant_condition,
    contradicting_criteria,
    impossible_status,
    secret_literal,
    similar_names,
    undeclared_in_text,
    unsafe_markdown,
)
from arazzo_runner.lint.rules.rule import asked, run_rules
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.load import compile_program
from tests.rules.test_totality import DOCUMENTS, mutated

FIXTURES = Path(__file__).parents[2] / "fixtures"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
CHEAP = tuple(rule for rule in RULES if rule.CODE != "description-contract")  # another library's work, and slow


# What rules ask of a document, a text or a condition before they look closely; here nothing is ruled out.
UNSURE = (
    (similar_names, "_may_have_similar", lambda description: True),
    (unsafe_markdown, "_may_be_unsafe", lambda text: "<" in text or (":" in text and ("(" in text or "=" in text))),
    (undeclared_in_text, "_may_be_unknown", lambda program, workflow, text: True),
    (secret_literal, "signs_in", lambda text: [sign for _, signs, _ in SECRETS for sign in signs]),
    (contradicting_criteria, "may_all_hold", lambda texts: False),
    (constant_condition, "_varies", lambda text: False),
    (impossible_status, "_is_possible", lambda text: False),
    (schemas, "_names_type_only", lambda schema: False),
    (Forecast, "knows_outputs", True),
)


def inspected(document, root):
    """Return what rules see of a document, None when it cannot be read."""
    options = LoadOptions(root=str(root), offline=True, unchecked=True, any_server=True)
    try:
        library, entry = open_document(document, options)
    except InvalidDescription:
        return None
    program = compile_program(entry, library)
    return Inspection.of(program, {name: library.source(entry, name) for name in entry.sources})


def overlooked(program, monkeypatch):
    """Return what the rules find that would not have been asked, or that do not look closely at first."""
    chosen = asked(program, CHEAP)
    found = [(rule, list(rule.check(program))) for rule in CHEAP]
    with monkeypatch.context() as patched:
        for owner, name, unsure in UNSURE:
            patched.setattr(owner, name, unsure)
        again = Inspection.of(program, program.sources)
        quickly = [rule.CODE for rule, before in found if list(rule.check(again)) != before]
    return [*quickly, *[each for rule, before in found if rule not in chosen for each in before]]


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("documents/*/wrong.*")), ids=lambda path: path.parent.name)
def test_nothing_is_overlooked_in_the_document_of_a_rule(path, monkeypatch):
    program = inspected(path, FIXTURES)
    assert program is None or overlooked(program, monkeypatch) == []


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_overlooked_in_documents_with_odd_parts(name, seed, monkeypatch):
    chance = random.Random(f"lazy {name} {seed}")
    document = mutated(yaml.safe_load(DOCUMENTS[name].read_text(encoding="utf-8")), chance)
    program = inspected(document, FIXTURES)
    assert program is None or overlooked(program, monkeypatch) == []


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_nothing_is_overlooked_in_the_corpus(monkeypatch):
    documents = json.loads((CORPUS / "INDEX.json").read_text(encoding="utf-8"))["documents"]
    few = random.Random("corpus").sample([str(each["path"]) for each in documents], 150)
    programs = {path: inspected(CORPUS / path, CORPUS / path.split("/")[0]) for path in few}
    missed = {path: overlooked(program, monkeypatch) for path, program in programs.items() if program is not None}
    assert {path: found for path, found in missed.items() if found} == {}


def test_texts_are_found_at_all_their_places():
    document = yaml.safe_load(DOCUMENTS["planted"].read_text(encoding="utf-8"))
    document["components"]["z"] = ["deep"]
    document |= {
        "x/y~": [["deep", {"$ref": "deep", "a": 1}], None],
    }
    texts = Texts(document)
    assert texts.placed(texts.distinct) == list(walked(document, ""))
    assert {text for part in texts.by_part.values() for text in part} == texts.distinct
    assert texts.words_among(frozenset({"a", "deep", "x", "x/y~"})) == {"a", "deep", "x/y~"}


def walked(value, pointer):
    """Yield every text with its place, and every key with a `$` in it."""
    if isinstance(value, str):
        yield value, pointer, False
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        place = f"{pointer}/{escaped(str(key))}"
        if "$" in str(key):
            yield key, place, True
        yield from walked(item, place)


@pytest.mark.parametrize(
    "text",
    [
        "<SCRIPT>alert(1)</SCRIPT>", "< iframe src=x>", "<a b=1 onclick=x>", "[x]( JavaScript:alert(1))",
        "[x](vbſcript:x)", "[x](data:text/html,x)", "href = 'javaſcrıpt:x'", "src=vbscript:x", "say: eval (x)",
    ],
)  # fmt: skip
def test_a_quick_look_suspects_every_unsafe_text(text):
    assert unsafe_markdown._UNSAFE.search(text)
    assert unsafe_markdown._may_be_unsafe(text)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("an AWS access key", "AKIAIOSFODNN7EXAMPLE"),
        ("an AWS access key", "ASIAIOSFODNN7EXAMPLE"),
        *[("a GitHub token", f"gh{kind}_{'a1' * 20}") for kind in "pousr"],
        ("a GitHub token", f"github_pat_{'a1' * 30}"),
        ("a GitLab token", f"glpat-{'a1' * 12}"),
        ("a Slack token", f"xoxb-{'1a-' * 10}"),
        ("a Stripe key", f"sk_live_{'a1' * 10}"),
        ("a Stripe key", f"rk_live_{'a1' * 10}"),
        ("a Google API key", f"AIza{'a' * 35}"),
        ("a Google OAuth secret", f"GOCSPX-{'a1' * 12}"),
        ("an API key of an AI service", f"sk-ant-{'a1' * 20}"),
        ("a SendGrid key", f"SG.{'a1' * 11}.{'a1' * 20}"),
        ("an npm token", f"npm_{'a1' * 18}"),
        ("a PyPI token", f"pypi-AgEI{'a1' * 30}"),
        ("a private key", f"-----BEGIN RSA PRIVATE KEY-----\n{'A1' * 16}"),
        ("a JSON Web Token", f"eyJ{'a1' * 6}.eyJ{'a1' * 6}.{'a1' * 12}"),
        ("a bearer token", f"Bearer {'a1' * 12}"),
        ("a bearer token", f"bearer {'a1' * 12}"),
        ("a user name and password", "Basic dXNlcjpzZWNyZXQ="),
        ("a user name and password", "basic dXNlcjpzZWNyZXQ="),
        ("a password in a URL", "https://ada:lovelace@api.test/x"),
    ],
)
def test_a_quick_look_suspects_every_form_of_credential(what, text):
    assert what in [each for each, pattern in suspects(signs_in(f"x\n{text}\ny")) if pattern.search(text)]


class Always:
    """A rule of a plugin: of the shape of one, and no more."""

    CODE, SEVERITY, GROUP, DEFAULT = "always", Severity.WARNING, "style", True

    def check(self, program):
        yield Diagnostic(code=self.CODE, severity=self.SEVERITY, message="always", at=program.description.at)


@pytest.mark.parametrize("strict", [False, True])
def test_a_rule_that_tells_nothing_of_what_it_looks_for_is_always_asked(strict):
    program = inspected(DOCUMENTS["planted"], FIXTURES)
    found = list(run_rules(program, [*CHEAP, Always()], strict=strict))
    assert (found[-1].code, found[-1].severity) == ("always", Severity.ERROR if strict else Severity.WARNING)


def test_the_configuration_knows_the_options_that_rules_read():
    folder = Path(inspect.getfile(validation)).parent / "rules"
    read = {
        path.stem.replace("_", "-"): tuple(re.findall(r'\.option\(CODE, "([^"]+)"', path.read_text(encoding="utf-8")))
        for path in folder.glob("*.py")
    }
    assert {code: names for code, names in read.items() if names} == OPTIONS
