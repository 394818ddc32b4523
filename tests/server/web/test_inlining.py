"""A page as one file."""

import base64
import hashlib
import json
import re

from racing_coach_server.web.inlining import self_contained


def test_it_holds_all_that_it_needs() -> None:
    """No address is left in it that anything is fetched from."""
    page = self_contained("lap.html", "{}", "A lap")
    assert "/assets/" not in page
    assert re.findall(r"<(?:link|script|img)[^>]+(?:src|href)=\"(?!data:)", page) == []


def test_its_policy_allows_exactly_what_is_in_it() -> None:
    """Every script and style of it is in the policy by its hash, and no other source is."""
    page = self_contained("lap.html", "{}", "A lap")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    for kind, pattern in (
        ("script", r"<script(?: type=\"module\")?>(.*?)</script>"),
        ("style", r"<style>(.*?)</style>"),
    ):
        inside = re.findall(pattern, page, re.DOTALL)
        assert inside
        assert rules[f"{kind}-src"].split() == [
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in inside
        ]


def test_nothing_in_the_document_ends_its_element() -> None:
    """A driver's name may be the end of a script and a new one: it stays text, and reads back as it was."""
    document = {"driver": "</script><script>alert(1)</script><!--"}
    page = self_contained("lap.html", json.dumps(document), "</title><script>alert(2)</script>")
    found = re.search(r'<script type="application/json" id="view">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == document
    assert "<script>alert" not in page
