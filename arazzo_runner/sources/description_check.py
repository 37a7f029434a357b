"""The check of one operation against the OpenAPI Specification, through openapi-spec-validator.

It gets a document made for the operation (sources/bundle.py). Its own failures are reported as such, never as
mistakes of the description; what it reports beyond the Specification is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import openapi_spec_validator
from openapi_spec_validator.validation.exceptions import (
    ExtraParametersError,
    OpenAPIValidationError,
    UnresolvableParameterError,
)

from arazzo_runner.sources.bundle import METHODS, MOST, Contract, described
from arazzo_runner.sources.operation import Operation

_MOST_TEXT: Final = 300
# Parts of the document that was made, not of the description.
_BUNDLE: Final = frozenset({"components", "schemas", "content", "schema"})


def check_description(operation: Operation, version: str) -> Contract:
    """Check an operation, and the schemas it uses, of a description of an OpenAPI version.

    Each finding is the rest of a sentence about the operation.
    """
    make = _validator(version, operation.method)
    if make is None:
        return (), f"openapi-spec-validator does not know {operation.method} of OpenAPI {version}"
    document = described(operation, version)
    (path,) = document["paths"]
    left_out = {"paths", path, operation.method.lower(), "additionalOperations", operation.method}
    try:
        errors = [each for each in _errors(make(document)) if not _is_consequence(each, operation)]
        found = [_sentence(each, left_out) for each in errors]
    except Exception as failure:  # an error of the library is not one of the description
        return (), f"openapi-spec-validator failed: {type(failure).__name__}"
    return tuple(sorted(set(found)))[:MOST], None


def _validator(version: str, method: str) -> Any:
    """Return the class that checks a version, None if the library has none, or does not know the method in it."""
    if version.startswith("3.2"):
        return getattr(openapi_spec_validator, "OpenAPIV32SpecValidator", None)  # since openapi-spec-validator 0.8
    if method not in METHODS:
        return None
    is_newer = version.startswith("3.") and not version.startswith("3.0")
    return (
        openapi_spec_validator.OpenAPIV31SpecValidator if is_newer else openapi_spec_validator.OpenAPIV30SpecValidator
    )


def _errors(checker: Any) -> Iterator[Any]:
    """Yield the errors of the structure, then those of schemas, defaults and path parameters."""
    structural = list(checker.schema_validator.iter_errors(checker.schema))
    yield from structural
    for error in checker.root_validator(checker.schema_path):
        if isinstance(error, ExtraParametersError):
            continue  # `required` may list properties that are not described
        if type(error) is OpenAPIValidationError and structural:
            continue  # a schema that was found invalid already
        yield error


def _is_consequence(error: Any, operation: Operation) -> bool:
    """Return whether an error follows from a parameter that could not be read, which is reported as that."""
    return isinstance(error, UnresolvableParameterError) and bool(operation.faults)


def _sentence(error: Any, left_out: set[str]) -> str:
    if isinstance(error, UnresolvableParameterError):
        return f"is not valid OpenAPI: {_about_path(error.message, left_out)}"
    cause = _cause(error)
    names = [str(part) for part in cause.absolute_path if str(part) not in left_out | _BUNDLE]
    where = f"{'.'.join(names[-4:])}: " if names else ""
    text = " ".join(str(cause.message).split())
    if cause.validator == "additionalProperties":
        text = f"{text.partition(' do')[0]} is not allowed here"
    text = text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]} …"
    is_of_default = not isinstance(error, OpenAPIValidationError) and not error.absolute_path
    begin = "has a default that its schema does not allow" if is_of_default else "is not valid OpenAPI"
    return f"{begin}: {where}{text}"


def _about_path(message: str, left_out: set[str]) -> str:
    """Return the library's sentence about a path parameter, which is the same for both directions, as one of two."""
    name = message.partition("'")[2].partition("'")[0]
    is_in_path = any("{" + name + "}" in each for each in left_out)
    return f'path parameter "{name}" {"is not described" if is_in_path else "is not in the path"}'


def _cause(error: Any) -> Any:
    """Return the innermost error of alternatives: of the one that was meant, which is no reference."""
    while error.context:
        meant = [each for each in error.context if each.validator != "required" or each.validator_value != ["$ref"]]
        if not meant:
            return error
        error = min(meant, key=_rank)
    return error


def _rank(error: Any) -> tuple[int, list[str], str]:
    """Return what errors are ordered by: the deepest first; their own order differs from process to process."""
    return -len(error.absolute_path), [str(part) for part in error.absolute_path], error.message
