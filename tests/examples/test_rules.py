"""Each rule that a comment names stands in docs/rules.md."""

import re

import pytest

from tests.conftest import ROOT

RULES = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^### (\S+) ", RULES, re.MULTILINE)
FILES = [
    file
    for top in ("sql", "procedures", "verify", "migrations", "duecourse", "tests")
    for file in sorted((ROOT / top).rglob("*"))
    if file.suffix in (".py", ".j2")
]
_NAMED = re.compile(
    r"\b(?:rules?|decisions?) ((?:[A-Z]\d+|\d\.\d+)(?:(?:,| and| to|, and) (?:[A-Z]\d+|\d\.\d+))*)",
    re.IGNORECASE,
)
_ID = re.compile(r"[A-Z]\d+|\d\.\d+")


def named_in(text: str) -> set[str]:
    """Return the rules that a text names; "L1 to L3" names both ends."""
    # A COMMENT is a text in pieces, a comment has lines: both are read as one.
    joined = re.sub(r"(?:'\s*\n\s*'|\n\s*--\s*|\s*\n\s*)", " ", text)
    joined = re.sub(r" +", " ", joined)
    return {rule for names in _NAMED.findall(joined) for rule in _ID.findall(names)}


def test_headings_are_in_order_and_once() -> None:
    assert len(set(HEADINGS)) == len(HEADINGS) > 25


def test_every_rule_that_a_comment_names_is_there() -> None:
    named = {rule: file for file in FILES for rule in named_in(file.read_text(encoding="utf-8"))}
    assert {rule: str(file) for rule, file in named.items() if rule not in HEADINGS} == {}
    assert {"L1", "L4", "1.7", "I9"} <= set(named)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("-- Rule 1.7: a row", {"1.7"}),
        ("-- Rules 1.6 to 1.8 decide", {"1.6", "1.8"}),
        ("'one. Decisions I3 to I7, '\n    'I9. Needs: view'", {"I3", "I7", "I9"}),
        ("-- by rules\n-- L3 and L4.", {"L3", "L4"}),
        ("rule of three, 1.5 times", set()),
    ],
)
def test_how_rules_are_named(text: str, rules: set[str]) -> None:
    assert named_in(text) == rules
