"""The blocks of commands in the documentation, as its readers copy them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "systemd/README.md",
    "mosquitto/README.md",
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")),
]


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: where it stands.
        language: as the fence has it.
        text: what is in it, without the page's indentation.
    """

    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """By which tests know it: its page and its first words."""
        return f"{self.page}: {' '.join(self.text.split('#')[0].split())[:60].strip()}"  # up to its first comment


def blocks(*languages: str) -> list[Block]:
    """Every block of these languages, in the order of the pages."""
    fence = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```", re.DOTALL | re.MULTILINE)
    found = [
        Block(page, one["language"], re.sub(f"^{one['indent']}", "", one["text"], flags=re.MULTILINE))
        for page in PAGES
        for one in fence.finditer((ROOT / page).read_text())
    ]
    return [block for block in found if block.language in languages]


def block(name: str) -> Block:
    """The one of that name.

    Raises:
        LookupError: no page has it, so that the test has to be brought up to what the page says now.
    """
    found = [one for one in blocks("sh", "sql", "json") if one.name == name]
    if len(found) != 1:
        raise LookupError(f"{len(found)} blocks are named {name!r}; there are {[one.name for one in blocks('sh')]}")
    return found[0]
