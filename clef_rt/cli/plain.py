"""Text from anywhere, made safe for a terminal."""

from __future__ import annotations

__all__ = ["one_line", "printable"]


def printable(text: str) -> str:
    """The text with its control characters spelt out.

    A bundle's texts and a server's words are somebody else's: a terminal would obey the escapes in them.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def one_line(text: str) -> str:
    """The same in one line, as messages are."""
    return printable(" ".join(text.split()))
