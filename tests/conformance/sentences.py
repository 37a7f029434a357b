"""The sentences of a Specification text that contain a key word of BCP 14, each with a fingerprint.

The texts are not part of this repository. Requirements refer to a sentence by its fingerprint, so a
sentence without a row is detected without copying the text.
"""

import hashlib
import re
from collections.abc import Iterator

from arazzo_runner.base.records import Record

KEYWORD = re.compile(r"\b(MUST|REQUIRED|SHALL|SHOULD|RECOMMENDED)\b")
HEADING = re.compile(r"^(#{1,6}) +(.*)$")
SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!etc\.) +(?=[A-Z*`\"_\[])")
LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*(?:\([^()]*\))?[^()]*\)")
TAG = re.compile(r"</?[a-z]+(?: [^<>]*)?>")
# Headings that occur in many sections: the heading above them names the section.
ANONYMOUS = ("Fixed Fields", "Patterned Fields", "Examples", "Example")
# Sentences that explain the key words, or list changes, are not requirements.
ABOUT_THE_WORDS = ("The key words", "In the following description, if a field is not explicitly")


class Sentence(Record):
    section: str
    text: str
    fingerprint: str


def keyword_sentences(markdown: str) -> Iterator[Sentence]:
    """Yield every sentence of the text with a key word, in order; table rows cell by cell."""
    open_headings: list[tuple[int, str]] = []
    for line in prose(markdown):
        if heading := HEADING.match(line):
            level, title = len(heading[1]), heading[2].strip()
            open_headings = [each for each in open_headings if each[0] < level]
            if title not in ANONYMOUS:
                open_headings.append((level, title))
            continue
        section = open_headings[-1][1] if open_headings else ""
        for text in sentences(line):
            if KEYWORD.search(text) and not text.startswith(ABOUT_THE_WORDS):
                yield Sentence(section=section, text=text, fingerprint=fingerprint(section, text))


def prose(markdown: str) -> Iterator[str]:
    """Yield the lines outside code blocks."""
    in_code = False
    for line in markdown.splitlines():
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code:
            yield line


def sentences(line: str) -> Iterator[str]:
    """Yield the sentences of a line, those of a table row prefixed with its name."""
    cells = [plain(cell) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
    if len(cells) < 2:
        yield from SENTENCE_END.split(plain(line))
        return
    for sentence in SENTENCE_END.split(cells[-1]):
        yield f"{cells[0]}: {sentence}"


def plain(text: str) -> str:
    """Return text without links, tags, emphasis and padding."""
    bare = LINK.sub(r"\1", TAG.sub("", text)).lstrip("-*> ")
    return " ".join(bare.replace("**", "").split())


def fingerprint(section: str, text: str) -> str:
    """Return eight hexadecimal digits that identify a sentence of a section."""
    return hashlib.sha256(f"{section}\n{text}".encode()).hexdigest()[:8]
