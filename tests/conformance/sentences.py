"""The sentences of a Specification text that hold a key word of BCP 14, each with a fingerprint.

The texts are not part of this repository: the requirements name each sentence by its fingerprint,
so a sentence nobody wrote a row for is noticed without copying a word of the text.
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
# Headings that many sections have: the heading above them says where we are.
ANONYMOUS = ("Fixed Fields", "Patterned Fields", "Examples", "Example")
# What explains the key words themselves, or lists what changed, asks nothing of anybody.
ABOUT_THE_WORDS = ("The key words", "In the following description, if a field is not explicitly")


class Sentence(Record):
    section: str
    text: str
    fingerprint: str


def keyword_sentences(markdown: str) -> Iterator[Sentence]:
    """Every sentence of the text with a key word, in order; a table's row is read cell by cell."""
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
    """The lines outside code blocks."""
    in_code = False
    for line in markdown.splitlines():
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code:
            yield line


def sentences(line: str) -> Iterator[str]:
    """The sentences of a line; a table row's name is put before each of its sentences."""
    cells = [plain(cell) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
    if len(cells) < 2:
        yield from SENTENCE_END.split(plain(line))
        return
    for sentence in SENTENCE_END.split(cells[-1]):
        yield f"{cells[0]}: {sentence}"


def plain(text: str) -> str:
    """Text without links, tags, emphasis and padding: what a reader sees."""
    bare = LINK.sub(r"\1", TAG.sub("", text)).lstrip("-*> ")
    return " ".join(bare.replace("**", "").split())


def fingerprint(section: str, text: str) -> str:
    """Eight hexadecimal digits that name a sentence of a section."""
    return hashlib.sha256(f"{section}\n{text}".encode()).hexdigest()[:8]
