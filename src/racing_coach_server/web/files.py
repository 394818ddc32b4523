"""Pages, and what they load: read once, compressed once, and kept by browsers for as long as they stay the same."""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from racing_coach_server.web.modules import bundle

_FOLDER: Final = files("racing_coach_server.web")
_PREFIX: Final = '"/assets/'
_MODULE: Final = re.compile(rb'<script src="/assets/([\w-]+\.js)" type="module">')
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "public, no-cache"
_NOT_KEPT: Final = "no-store"
_TEXT: Final = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml", "text/plain"})
_TYPES: Final = {".js": "text/javascript", ".mjs": "text/javascript", "LICENSE": "text/plain", ".toml": "text/plain"}


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent."""

    content: bytes
    zipped: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, name: str, content: bytes) -> "File":
        """Find out its type; compress it."""
        known = next((kind for ending, kind in _TYPES.items() if name.endswith(ending)), None)
        kind = known or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return cls(content, gzip.compress(content, mtime=0), kind, f'"{hashlib.sha256(content).hexdigest()[:32]}"')

    def answer(self, request: Request, cache: str, status: int = 200) -> Response:
        """The answer to a request for it; without content where the browser has it."""
        headers = {"Cache-Control": cache, "ETag": self.etag, "Vary": "Accept-Encoding"}
        if status == 200 and self.etag in request.headers.get("if-none-match", ""):  # noqa: PLR2004
            return Response(status_code=304, headers=headers)
        content = self.content
        if self.media_type in _TEXT and "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = self.zipped, "gzip"
        return Response(content, status, headers, media_type=self.media_type)


class Files:
    """All pages and assets.

    Assets are found in a folder that is named by the content of all of them, so that one that changed is another to the
    browser, and what they load of each other is of the same version. A page's module is sent with all that it imports,
    as one script: thirty small ones are asked for in turns.
    """

    def __init__(self) -> None:
        raw = dict(_walk(_FOLDER.joinpath("assets"), ""))
        every = hashlib.sha256()
        for name, content in sorted(raw.items()):
            every.update(f"{name}\0{len(content)}\0".encode() + content)
        self.version = every.hexdigest()[:16]
        pages = dict(_walk(_FOLDER.joinpath("pages"), ""))
        modules = {name.decode() for page in pages.values() for name in _MODULE.findall(page)}
        whole = {name: bundle(name, lambda part: raw[part].decode()).encode() for name in modules}
        self._assets = {name: File.of(name, content) for name, content in (raw | whole).items()}
        versioned = f"{_PREFIX}{self.version}/"
        self._pages = {
            name: File.of(name, content.replace(_PREFIX.encode(), versioned.encode()))
            for name, content in pages.items()
        }

    def page(self, request: Request, name: str, status: int = 200) -> Response:
        """A page.

        Raises:
            HTTPException: there is none of this name.
        """
        if f"{name}.html" not in self._pages:
            raise HTTPException(404)
        # Its ETag spares nothing that matters, and what is not kept is not shown to the next one at this browser.
        return self._pages[f"{name}.html"].answer(request, _NOT_KEPT, status)

    def asset(self, request: Request, path: str) -> Response:
        """An asset, by its name or by its name in the folder of this version.

        Raises:
            HTTPException: there is none of this name.
        """
        version, _, name = path.partition("/")
        if version == self.version and name in self._assets:
            return self._assets[name].answer(request, _FOR_EVER)
        if path not in self._assets:
            raise HTTPException(404)
        return self._assets[path].answer(request, _ASK_AGAIN)


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        else:
            found.append((prefix + entry.name, entry.read_bytes()))
    return found
