"""A page with all that it needs in one file, which opens without a network or a server."""

import base64
import hashlib
import html
import re
from importlib.resources import files
from typing import Final

from racing_coach_server.web.modules import bundle

_FOLDER: Final = files("racing_coach_server.web")
_STYLE: Final = re.compile(r'<link rel="stylesheet" href="/assets/([^"]+)">')
_ICON: Final = re.compile(r'<link rel="icon" href="/assets/([^"]+)" type="([^"]+)">')
_SCRIPT: Final = re.compile(r'<script src="/assets/([^"]+)"( defer)?></script>')
_MODULE: Final = re.compile(r'<script src="/assets/([^"]+)" type="module"></script>')
_TITLE: Final = re.compile(r"<title>[^<]*</title>")


def self_contained(page: str, document_json: str, title: str) -> str:
    """A page as one file: styles, scripts and icon in it, and the document that its script would ask the API for.

    Its policy lets nothing run or be loaded but what is in it, by hash.

    Args:
        page: which of `pages/`, such as `lap.html`.
        document_json: what the page shows; its text may be anything.
        title: of the page, as text.

    Raises:
        ValueError: a script would end its own element.
    """
    policy = _Policy()
    text = _FOLDER.joinpath("pages", page).read_text(encoding="utf-8")
    text = _STYLE.sub(lambda found: policy.style(_asset(found[1])), text)
    text = _ICON.sub(lambda found: f'<link rel="icon" href="{_data_url(_asset(found[1]), found[2])}">', text)
    text = _SCRIPT.sub(lambda found: policy.script(_asset(found[1])), text)
    text = _MODULE.sub(lambda found: _document(document_json) + policy.script(bundle(found[1], _asset), "module"), text)
    head = f'<meta charset="utf-8">\n    {policy.element()}'
    text = text.replace('<meta charset="utf-8">', head, 1)
    return _TITLE.sub(lambda _: f"<title>{html.escape(title)}</title>", text, count=1)


class _Policy:
    """Writes inline elements, and the Content-Security-Policy that allows exactly those."""

    def __init__(self) -> None:
        self._styles: list[str] = []
        self._scripts: list[str] = []

    def style(self, text: str) -> str:
        """A style element."""
        self._styles.append(_hash(text))
        return f"<style>{text}</style>"

    def script(self, text: str, kind: str | None = None) -> str:
        """A script element. An ordinary one runs where it stands, a module once the page is read."""
        if "</script" in text or "<!--" in text:
            raise ValueError("a script that holds the end of a script cannot be put into a page")
        self._scripts.append(_hash(text))
        return f'<script type="{kind}">{text}</script>' if kind else f"<script>{text}</script>"

    def element(self) -> str:
        """The policy, for the head."""
        styles, scripts = (" ".join(hashes) or "'none'" for hashes in (self._styles, self._scripts))
        policy = f"default-src 'none'; img-src data:; style-src {styles}; script-src {scripts}"
        return f'<meta http-equiv="Content-Security-Policy" content="{policy}">'


def _document(document_json: str) -> str:
    """The document as an element that nothing in it can end."""
    return f'<script type="application/json" id="view">{document_json.replace("<", "\\u003c")}</script>'


def _asset(name: str) -> str:
    return _FOLDER.joinpath("assets", name).read_text(encoding="utf-8")


def _data_url(text: str, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
