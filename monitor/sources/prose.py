"""The visible paragraphs of a text, whatever it is written in: HTML, Markdown, RSS or Atom. What they mean is judged
nowhere here.

A text is compared by its paragraphs, so everything that changes without anybody having written it is taken out:
navigation, scripts, banners, hashes of builds, "2 days ago", "last updated". Typography and white space are made one;
the target of a link is not part of what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from monitor.sources.extraction import Unreadable
from monitor.sources.pricing_page import markdown, markup
from monitor.sources.pricing_page.blocks import Block, Heading, PageTable, Paragraph
from monitor.sources.web_page import is_html

LEAST = 120
"""Characters of text; a page that says less is an application that was not rendered."""

_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′", "'"),
        **dict.fromkeys("“”„‟″", '"'),
        **dict.fromkeys("‐‑", "-"),
        "…": "...",
    }
)
_FEED = re.compile(r"\s*(?:(?><\?.*?\?>|<!--.*?-->)\s*+)*+<(?:rss|feed|rdf:RDF)\b", re.DOTALL)
_DECLARED = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ITEM = re.compile(r"(?m)^([ \t]*(?:[-+*•]|\d{1,3}[.)])[ \t]+)(?=\S)")
# The bounds keep a page of nothing but brackets, or of hyphens, from costing the square of its size.
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\n]|\([^()\n]{0,500}\)){0,2000}\)")
_BULLET = re.compile(r"(?:[-+*•>]|\d{1,3}[.)])\s+")
_APP = re.compile(r"(?:enable|requires?|turn on) javascript|loading\W*$", re.IGNORECASE)
_AGO = re.compile(
    (
        r"\b(?:about |over |almost )?(?:\d+|an?|one) (?:second|minute|hour|day|week|month|year)s? ago\b|\b(?:just "
        r"now|yesterday)\b"
    ),
    re.IGNORECASE,
)
_UPDATED = re.compile(
    r"(?:\bpage )?\b(?:last )?(?:updated|modified|reviewed|edited|generated|built)(?: on| at)?:? *"
    r"(?:[A-Z][a-z]{2,8}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}|\d{1,2} [A-Z][a-z]{2,8}\.? \d{4}"
    r"|\d{4}-\d{2}-\d{2}\S*(?: \d{2}:\d{2}\S*)?)(?: UTC)?\.?",
    re.IGNORECASE,
)
_BUILD = re.compile(
    r"\b(?=[0-9a-f]{0,63}\d)(?=[0-9a-f]{0,63}[a-f])[0-9a-f]{12,64}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
)
_CHROME = re.compile(
    r"(?:last )?(?:updated|modified)(?: on| at)?|skip to (?:main )?content|was this (?:page|article)? "
    r"?helpful\??.*|copy (?:page|link|as markdown)"
    r"|(?:on this page|table of contents|back to top|share|print|edit (?:this page|on github)|sign in|log in"
    r"|sign up|search|menu)"
    r"|(?:accept|reject|allow|decline|manage)(?: all)?(?: cookies| preferences)?|(?:we|this (?:web)?site) "
    r"uses? cookies\b.*|cookie (?:policy|settings|preferences)"
    r"|(?:©|\(c\)|copyright (?:©|\(c\)|\d{4})).*|all rights reserved\.?|(?:build|version|commit|revision)[: ]*",
    re.IGNORECASE,
)


def paragraphs(text: str) -> tuple[str, ...]:
    """Return the paragraphs of a text, once each, in reading order.

    Raises:
        Unreadable: it holds hardly any text, or is a feed that does not parse.
    """
    blocks = _blocks(text)
    texts = dict.fromkeys(clean for block in blocks for part in _texts(block) if (clean := cleaned(part)))
    size = sum(map(len, texts))
    thin = size < LEAST or (size < 5 * LEAST and any(_APP.search(part) for part in texts))
    if not texts or (thin and not _FEED.match(text)):  # a feed says as little as there is news
        raise Unreadable(f"a page with {size} characters of text, which was not rendered")
    return tuple(texts)


def cleaned(text: str) -> str:
    """Return a paragraph without what changes by itself; empty where nothing else is in it."""
    text = _BULLET.sub("", normal(text), count=1) if _BULLET.match(text) else normal(text)
    text = _BUILD.sub("", _UPDATED.sub("", _AGO.sub("", text)))
    text = " ".join(text.split()).strip(" ·|•")
    if _CHROME.fullmatch(text) or not any(map(str.isalnum, text)):
        return ""
    return text


def normal(text: str) -> str:
    """Return a text in one typography, with single spaces and nothing that cannot be seen."""
    words = " ".join(text.translate(_TYPOGRAPHY).split())
    return words if words.isprintable() else "".join(filter(str.isprintable, words))


def _blocks(text: str) -> list[Block]:
    if _FEED.match(text):
        return list(_items(text))
    if is_html(text):
        return markup.read(text)
    for _ in range(2):  # an image within a link; the pages link whole cards, of several paragraphs
        text = _LINK.sub(lambda link: link[1] + "\n\n" if "\n" in link[1] else link[1], text)
    return markdown.read(_ITEM.sub(r"\n\1", text))  # every item of a list is a paragraph of its own


def _texts(block: Block) -> Iterator[str]:
    if isinstance(block, Heading | Paragraph):
        yield block.text
    elif isinstance(block, PageTable):
        for cells in (*block.header, *(row.cells for row in block.rows)):
            yield " | ".join(filter(None, cells))


def _items(text: str) -> Iterator[Block]:
    """Yield each item of a feed as one paragraph: its title and what it says.

    Raises:
        Unreadable: it does not parse, or it declares entities, which no feed needs.
    """
    if _DECLARED.search(text):
        raise Unreadable("the feed declares entities of its own")
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except ElementTree.ParseError as error:
        raise Unreadable(f"the feed is broken XML: {error}") from error
    for item in root.iter():
        if _name(item) not in ("item", "entry"):
            continue
        # The feed's own vocabulary last, since the last of a name counts: `media:title` is that of a picture.
        children = sorted(item, key=lambda child: _vocabulary(child) == _vocabulary(item))
        parts = {_name(child): "".join(child.itertext()) for child in children}
        html = next((parts[name] for name in ("encoded", "content", "description", "summary") if parts.get(name)), "")
        inner = " ".join(part for block in markup.read(f"<div>{html}</div>") for part in _texts(block))
        yield Paragraph(text=": ".join(filter(None, (parts.get("title", "").strip(), inner))), lone=False, line=1)


def _vocabulary(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[0]


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
