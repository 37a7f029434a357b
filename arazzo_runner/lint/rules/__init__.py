"""The rules, one module each, listed by hand in the order in which they run.

What the loader itself reports while it reads, links and compiles counts as rules too: see
`lint/rules/catalogue.py` for all codes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from arazzo_runner.lint.rules.rule import LazyRule

RULES: Final = (
    # shape
    LazyRule("duplicate-enum-value", "shape", words=("enum",)),
    LazyRule("enum-type-mismatch", "shape", words=("enum", "const")),
    LazyRule(
        "impossible-range",
        "shape",
        words=("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"),
    ),
    LazyRule("inputs-not-object", "shape"),
    LazyRule("invalid-content-type", "shape", words=("contentType",)),
    LazyRule("invalid-default", "shape", words=("default",)),
    LazyRule("invalid-example", "shape", words=("example", "examples")),
    LazyRule("invalid-schema", "shape"),
    LazyRule("mixed-querystring", "shape", words=("querystring",)),
    LazyRule("mixed-range", "shape", words=("exclusiveMaximum", "exclusiveMinimum")),
    LazyRule("schema-type-mismatch", "shape"),
    LazyRule("undefined-required", "shape", words=("required",)),
    LazyRule("unknown-keyword", "shape"),
    LazyRule("x-security-form", "shape", words=("x-security",)),
    # names
    LazyRule("duplicate-criterion", "names"),
    LazyRule("duplicate-reference", "names", words=("reference",)),
    LazyRule("duplicate-replacement", "names", words=("replacements",)),
    LazyRule("duplicate-source-url", "names"),
    LazyRule("similar-names", "names"),
    LazyRule("unused-component", "names", words=("components",)),
    LazyRule("unused-input", "names", words=("properties",)),
    LazyRule("unused-output", "names", default=False, words=("outputs",)),
    LazyRule("unused-source", "names"),
    # references
    LazyRule("undeclared-in-text", "references", parts=("$inputs.", "$steps.")),
    LazyRule("unknown-input-property", "references", parts=("$inputs",)),
    LazyRule("unknown-request-part", "references", parts=("$request",), needs="operations"),
    LazyRule("unknown-schema", "references", words=("$ref",)),
    LazyRule("unknown-source-field", "references", parts=("$sourceDescriptions",)),
    LazyRule("unknown-workflow-input", "references", parts=("$workflows",)),
    # language
    LazyRule("braces-make-text", "language", parts=("{$inputs.",)),
    LazyRule("constant-condition", "language"),
    LazyRule("contradicting-criteria", "language"),
    LazyRule("doubtful-braces", "language", parts=("{",)),
    LazyRule("filter-on-object", "language", parts=("$[?",), needs="operations"),
    LazyRule("impossible-status", "language"),
    LazyRule("missing-dollar", "language", parts=("\ninputs.", "\nsteps.", "\nworkflows.")),
    LazyRule("no-response-here", "language"),
    LazyRule("regex-not-linear", "language", words=("regex",)),
    LazyRule("regex-not-portable", "language", words=("regex",)),
    LazyRule("response-too-early", "language"),
    # flow
    LazyRule("action-never-taken", "flow", words=("onSuccess", "onFailure", "successActions", "failureActions")),
    LazyRule("call-input-mismatch", "flow", needs="calls"),
    LazyRule("endless-loop", "flow", needs="certain-actions"),
    LazyRule("endless-recursion", "flow", needs="calls"),
    LazyRule("missing-call-input", "flow", needs="calls"),
    LazyRule("retry-limits", "flow", words=("retry",)),
    LazyRule("skipped-step-output", "flow", words=("goto",), needs="actions"),
    LazyRule("step-never-reached", "flow", needs="certain-actions"),
    LazyRule("undeclared-call-input", "flow", needs="calls"),
    LazyRule("workflow-not-run", "flow", parts=("$workflows",)),
    # openapi
    LazyRule("content-type-not-offered", "openapi", needs="operations"),
    LazyRule("deprecated-operation", "openapi", needs="operations"),
    LazyRule("description-contract", "openapi", default=False, needs="operations"),
    LazyRule("header-not-documented", "openapi", parts=("header",), needs="operations"),
    LazyRule("impossible-comparison", "openapi", needs="forecast"),
    LazyRule("missing-body", "openapi", needs="operations"),
    LazyRule("missing-credential", "openapi", needs="operations"),
    LazyRule("missing-parameter", "openapi", needs="operations"),
    LazyRule("missing-payload-member", "openapi", needs="operations"),
    LazyRule("no-response-body", "openapi", needs="operations"),
    LazyRule("parameter-mismatch", "openapi", needs="operations"),
    LazyRule("payload-mismatch", "openapi", needs="operations"),
    LazyRule("read-only-member", "openapi", needs="operations"),
    LazyRule("status-not-documented", "openapi", needs="operations"),
    LazyRule("unexpected-body", "openapi", needs="operations"),
    LazyRule("unknown-payload-member", "openapi", needs="operations"),
    LazyRule("unknown-response-member", "openapi", needs="forecast"),
    # safety
    LazyRule("hard-coded-password", "safety"),
    LazyRule("insecure-server", "safety", needs="operations"),
    LazyRule("insecure-source", "safety", parts=("://",)),
    LazyRule("remote-reference", "safety", words=("$ref",)),
    LazyRule("secret-literal", "safety"),
    LazyRule("unsafe-markdown", "safety"),
    # style
    LazyRule("info-description", "style", default=False),
    LazyRule("info-summary", "style", default=False),
    LazyRule("input-description", "style", default=False, words=("properties",)),
    LazyRule("naming-style", "style", default=False),
    LazyRule("no-success-criteria", "style", default=False),
    LazyRule("prefer-operation-id", "style", default=False, words=("operationPath",), needs="operations"),
    LazyRule("source-without-type", "style", default=False),
    LazyRule("step-description", "style", default=False),
    LazyRule("undeclared-secret", "style", default=False, words=("properties",)),
    LazyRule("workflow-description", "style", default=False),
    LazyRule("workflow-summary", "style", default=False),
    LazyRule("xpath-criterion", "style", default=False, words=("xpath",)),
)
"""All of them; a rule whose words and parts stand nowhere, or that lacks what it needs, is not even imported."""


@lru_cache(maxsize=16)
def chosen(codes: frozenset[str] | None) -> tuple[LazyRule, ...]:
    """Return the rules with these codes, or those that run when nobody asks."""
    return tuple(rule for rule in RULES if (rule.DEFAULT if codes is None else rule.CODE in codes))
