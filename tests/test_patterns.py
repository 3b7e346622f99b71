"""No pattern of ours takes the square of its text, whatever the text."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import time

import index
import qa

ATOMS = [
    "a",
    " ",
    "\n",
    ".",
    "'",
    "(",
    "<",
    "<!--",
    "a-",
    "- ",
    "1",
    "A B ",
    "/",
    "by clicking ",
    "get x ",
    '"',
    "https://",
    "a.",
    "—",
    "é ",
]


# Looked for in a few hundred characters at most, whatever the text.
BOUNDED = {"qa.said._STANDS_BEFORE"}

Pattern = re.Pattern[str] | re.Pattern[bytes]


def patterns() -> dict[str, tuple[Pattern, set[str]]]:
    """Every pattern of the packages that read what others wrote, and how it is used."""
    modules = [info.name for package in (index, qa) for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    found = {}
    for module in (importlib.import_module(name) for name in modules if not name.endswith("__main__")):
        source = inspect.getsource(module)
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                used = rf"\b{name}\.(match|fullmatch|search|sub|findall|finditer)\("
                handed_on = r"\bpattern\.(match|fullmatch|search|sub|findall|finditer)\("
                found[f"{module.__name__}.{name}"] = (value, set(re.findall(used, source) or re.findall(handed_on, source)))
    return found


def growth(pattern: Pattern, use: str, atom: str) -> float:
    """How much longer twice the text takes, by the fastest of three; 0 where it takes no time to speak of."""
    text = atom * 4000 + "\x00"
    whole = text.encode() if isinstance(pattern.pattern, bytes) else text
    slow = _seconds(pattern, use, whole)
    if slow < 0.02:
        return 0
    return min(slow, *(_seconds(pattern, use, whole) for _ in range(2))) / min(
        _seconds(pattern, use, whole[len(whole) // 2 :]) for _ in range(3)
    )


def _seconds(pattern: Pattern, use: str, subject: str | bytes) -> float:
    function = {"sub": lambda text: pattern.sub(type(text)(), text), "finditer": pattern.findall}.get(use) or getattr(pattern, use)
    start = time.process_time()
    function(subject)
    return time.process_time() - start


def test_no_pattern_takes_the_square_of_its_text() -> None:
    """Twice the text, at most thrice the time. The controls take four times as long."""
    found = patterns()
    assert len(found) > 20
    assert all(uses for _, uses in found.values())
    assert any(growth(re.compile(r"<!--.*?-->", re.DOTALL), "sub", "<!--") > 3 for _ in range(3))
    assert any(growth(re.compile(r"[^\W\d_]+-\n"), "search", "a") > 3 for _ in range(3))
    cases = [(name, pattern, use, atom) for name, (pattern, uses) in found.items() for use in uses for atom in ATOMS]
    slow = [
        (name, use, atom)
        for name, pattern, use, atom in cases
        if name not in BOUNDED and all(growth(pattern, use, atom) > 3 for _ in range(3))
    ]
    assert slow == []
