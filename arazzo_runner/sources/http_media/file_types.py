"""The media type of a file, from the end of its name.

Not by `mimetypes`, which reads the tables of the machine: equal runs must send equal bytes everywhere.
"""

from __future__ import annotations

from typing import Final

_BY_TYPE: Final = """\
application/gzip .gz .tgz
application/java-archive .jar
application/json .json
application/msword .doc
application/octet-stream .bin
application/pdf .pdf
application/pkcs8 .p8
application/postscript .ps .eps .ai
application/rtf .rtf
application/sql .sql
application/toml .toml
application/vnd.apache.parquet .parquet
application/vnd.geo+json .geojson
application/vnd.ms-excel .xls
application/vnd.ms-powerpoint .ppt
application/vnd.oasis.opendocument.presentation .odp
application/vnd.oasis.opendocument.spreadsheet .ods
application/vnd.oasis.opendocument.text .odt
application/vnd.openxmlformats-officedocument.presentationml.presentation .pptx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet .xlsx
application/vnd.openxmlformats-officedocument.wordprocessingml.document .docx
application/wasm .wasm
application/x-7z-compressed .7z
application/x-bzip2 .bz2
application/x-ndjson .ndjson .jsonl
application/x-pem-file .pem
application/x-tar .tar
application/xml .xml .xsd .xsl
application/yaml .yaml .yml
application/zip .zip
application/zstd .zst
audio/aac .aac
audio/flac .flac
audio/midi .mid .midi
audio/mp4 .m4a
audio/mpeg .mp3
audio/ogg .ogg .oga .opus
audio/wav .wav
font/otf .otf
font/ttf .ttf
font/woff .woff
font/woff2 .woff2
image/avif .avif
image/bmp .bmp
image/gif .gif
image/heic .heic
image/heif .heif
image/jpeg .jpg .jpeg .jpe
image/png .png
image/svg+xml .svg
image/tiff .tif .tiff
image/vnd.microsoft.icon .ico
image/webp .webp
message/rfc822 .eml
text/calendar .ics
text/css .css
text/csv .csv
text/html .html .htm
text/javascript .js .mjs
text/markdown .md
text/plain .txt .log .text
text/tab-separated-values .tsv
text/vcard .vcf
video/mp4 .mp4 .m4v
video/mpeg .mpg .mpeg
video/ogg .ogv
video/quicktime .mov
video/webm .webm
video/x-matroska .mkv
video/x-msvideo .avi
"""
_TYPES: Final = {end: line.split()[0] for line in _BY_TYPE.splitlines() for end in line.split()[1:]}


def guessed_type(filename: str | None) -> str | None:
    """Return the media type of a file name by its extension; None for an unknown one.

    >>> guessed_type("Cat.PNG"), guessed_type("LICENSE")
    ('image/png', None)
    """
    _, dot, end = (filename or "").rpartition(".")
    return _TYPES.get(f".{end.lower()}") if dot else None
