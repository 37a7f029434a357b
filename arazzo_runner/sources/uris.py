"""URIs and file paths: joining references (RFC 3986 §5), and going from one to the other."""

from __future__ import annotations

import os
from urllib.parse import quote, unquote, urljoin, urlsplit


def is_remote(uri: str) -> bool:
    """Tell whether a URI leads over the network."""
    return uri[:7].lower() == "http://" or uri[:8].lower() == "https://"


def uri_of_path(path: str) -> str:
    """Return the file: URI of a path, relative ones meant from the working directory."""
    if path[:5].lower() == "file:":
        return path
    full = os.path.abspath(path)
    if os.sep == "\\":
        full = "/" + full.replace("\\", "/")
    return "file://" + quote(full, safe="/:~@!$&'()*+,;=")


def path_of(uri: str) -> str:
    """Return the path of a file: URI (without its fragment); "" for any other URI."""
    parts = urlsplit(uri)
    if parts.scheme.lower() != "file" or parts.netloc not in ("", "localhost"):
        return ""
    path = unquote(parts.path)
    if os.sep == "\\":
        path = path.lstrip("/").replace("/", "\\")
    return path


def join(base: str, reference: str) -> str:
    """Resolve a reference against a base URI (RFC 3986 §5.2)."""
    return urljoin(base, reference.replace(" ", "%20"))
