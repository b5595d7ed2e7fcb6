r"""Takes secrets out of whatever is stored or shown. Bodies, headers, details and log lines pass through here first.

A provider's error quotes the key that it refused, and a documentation page quotes example keys; both end up in evidence
that is never deleted. So known secrets go by value, and what merely looks like a key goes by its shape.

A key may be written otherwise than it is: `sk\u002dproj\u002d…` in JSON, `sk%2Dproj%2D…` in an address. The text is
therefore searched as it stands and once more for each layer of escapes that can be taken off it, and what was found is
masked where it stands: whole escapes at a time, so that a JSON document stays one.

Everything takes time in proportion to the text: a shape begins with fixed characters that may not stand inside a word,
so that no character is read from more than a few places.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias, TypeVar

Text = TypeVar("Text", str, bytes)
Span: TypeAlias = tuple[int, int]

MASK = "[redacted]"

MIN_SECRET = 6
"""Characters. A local server's key is often `none` or `test`, and taking such a word out of a body would change model
ids.
"""

LAYERS = 3
"""How many layers of escapes are taken off: JSON within JSON within an address."""

_BASE64_LENGTH = 10
"""Characters of a secret's Base64 that have to stand there; fewer would be found in what has nothing to do with it."""


class Shape(NamedTuple):
    """What keys of one kind look like.

    `hint` are lower-case characters without which `pattern` cannot match; the first group of the pattern, else all of
    it, is the secret, if `holds` agrees. Patterns are compiled when their hint is first seen: all of them would take
    longer than many a command.
    """

    hint: str
    pattern: str
    holds: Callable[[str], bool] | None = None


def _basic(token: str) -> bool:
    """Return whether a word after `Basic` is a user and a password, and not the word of a sentence."""
    try:
        return b":" in b64decode(token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4), altchars=b"-_")
    except (NotBase64, ValueError):
        return False


def _no_word(token: str) -> bool:
    """Return whether it is neither a plain word, as a placeholder is, nor a number."""
    return any(map(str.isdigit, token)) and any(map(str.isalpha, token))


# What keys begin with, and the characters and least number of what follows. `*` belongs to a key: OpenAI masks the
# middle of the key that it quotes (`sk-ab****wxyz`), and the ends still tell. Hyphens belong only where real keys have
# them: `xai-grok-4-fast` is a model.
_KEYS = {
    # OpenAI, and Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek, Moonshot and many others after it
    "sk-": r"[A-Za-z0-9_*-]{6,}",
    "AIza": r"[A-Za-z0-9_*-]{20,}",  # Google
    "ya29.": r"[A-Za-z0-9_*-]{20,}",
    "AQ.": r"[A-Za-z0-9_*-]{30,}",
    "GOCSPX-": r"[A-Za-z0-9_*-]{20,}",
    "AKIA": r"[A-Z0-9*]{12,}",  # AWS
    "ASIA": r"[A-Z0-9*]{12,}",
    "ABSK": r"[A-Za-z0-9+/*]{40,}={0,2}",
    "bedrock-api-key-": r"[A-Za-z0-9+/_*-]{16,}={0,2}",
    **{f"gh{kind}_": r"[A-Za-z0-9*]{16,}" for kind in "pousr"},  # GitHub
    "github_pat_": r"[A-Za-z0-9_*]{16,}",
    "glpat-": r"[A-Za-z0-9_*-]{16,}",  # GitLab
    **{f"xox{kind}-": r"[A-Za-z0-9*-]{8,}" for kind in "abcdeoprs"},  # Slack
    "xapp-": r"[A-Za-z0-9*-]{16,}",
    "gsk_": r"[A-Za-z0-9*]{16,}",  # Groq
    "xai-": r"[A-Za-z0-9*]{20,}",
    "hf_": r"[A-Za-z0-9*]{16,}",  # Hugging Face
    "api_org_": r"[A-Za-z0-9*]{16,}",
    "r8_": r"[A-Za-z0-9*]{20,}",  # Replicate
    "pplx-": r"[A-Za-z0-9*]{20,}",  # Perplexity
    "fw_": r"[A-Za-z0-9*]{16,}",  # Fireworks
    "csk-": r"[A-Za-z0-9*]{20,}",  # Cerebras
    "tgp_v1_": r"[A-Za-z0-9_*-]{16,}",  # Together
    "nvapi-": r"[A-Za-z0-9_*-]{16,}",  # NVIDIA
    "dapi": r"[0-9a-f*]{32,}",  # Databricks
    "lsv2_": r"[A-Za-z0-9_*]{20,}",  # LangSmith
    "tvly-": r"[A-Za-z0-9_*-]{16,}",  # Tavily
    "pcsk_": r"[A-Za-z0-9_*]{20,}",  # Pinecone
    **{f"{kind}k_{mode}_": r"[A-Za-z0-9*]{8,}" for kind in "sr" for mode in ("live", "test")},  # Stripe
    "whsec_": r"[A-Za-z0-9+/*]{16,}={0,2}",
    "SG.": r"[A-Za-z0-9_*-]{16,}\.[A-Za-z0-9_*-]{16,}",  # SendGrid
    "npm_": r"[A-Za-z0-9*]{20,}",
    "pypi-": r"[A-Za-z0-9_*-]{30,}",
    **{f"am{kind}_": r"[A-Za-z0-9_*-]{20,}" for kind in "tls"},  # our own tokens, links and sessions
    "eyJ": r"[A-Za-z0-9_*-]{4,}(?:\.[A-Za-z0-9_*-]*){2,4}",  # JSON web tokens
}

_VALUE = r"[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?"
"""What stands between a name and its value in a header, in JSON, in an address or in a setting."""

_IN_PLACES = (
    Shape("hooks.slack", r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_*-]{6,})"),
    Shape("/webhooks/", r"/webhooks/([0-9]{6,}/[A-Za-z0-9_*-]{6,})"),  # Discord
    Shape("webhook.office", r"webhook\.office\.com/([A-Za-z0-9@/_.*-]{6,})"),
    Shape(":aa", r":(AA(?<=[0-9]{8}:AA)[A-Za-z0-9_*-]{30,})"),  # Telegram
    # Azure's keys are told by a mark in their middle.
    Shape("jqqj9", r"(?<![A-Za-z0-9])[A-Za-z0-9]{52}JQQJ9[A-Za-z0-9]{20,}={0,2}"),
    Shape("bearer", r"[Bb](?i:earer)[\"'\s:=]{1,6}(?!authenti|authori)([A-Za-z0-9._~+/*-]{12,}=*)"),
    Shape("basic", r"[Bb](?i:asic)[\"'\s:=]{1,6}([A-Za-z0-9+/_-]{6,}={0,2})", _basic),
    Shape(
        "authorization",
        (
            rf"[Aa](?i:uthorization){_VALUE}(?i:basic|bearer|token|api-?key|key|oauth|digest)[ "
            r"\t]{1,4}([^\s\"'\\,;<>{}\[\]]{6,})"
        ),
    ),
    Shape(
        "key",
        rf"[AaSs](?i:pi|ubscription|ccess|ccount)[-_ ]?[Kk](?i:ey){_VALUE}([A-Za-z0-9+/_.~*-]{{16,}}={{0,2}})",
        _no_word,
    ),
    Shape("secret", rf"[Ss](?i:ecret)(?:[-_ ]?[Kk](?i:ey))?{_VALUE}([A-Za-z0-9+/_.~*-]{{16,}}={{0,2}})", _no_word),
    Shape("password", rf"[Pp](?i:assword){_VALUE}([^\s\"'\\&,;<>{{}}\[\]]{{6,}})", _no_word),
    Shape("sig", r"[?&](?i:sig|signature)=([A-Za-z0-9+/_.~%*-]{12,}={0,2})"),
    Shape("token=", r"[?&](?i:token|access_token)=([A-Za-z0-9+/_.~%*-]{12,}={0,2})", _no_word),
    # The password of an address.
    Shape("://", r"://[^\s/@:\"'<>\\]{0,64}:([^\s/@\"'<>\\\[\]*]{1,256})@"),
)

_BY_START = tuple(
    # The look back comes after the first characters: a pattern that begins with fixed characters is searched for fast.
    Shape(start.lower(), f"{re.escape(start)}(?<![A-Za-z0-9_-]{re.escape(start)}){rest}")
    for start, rest in _KEYS.items()
)

SHAPES = (*_BY_START, *_IN_PLACES)

_NAMED = {
    "amp": "&",
    "quot": '"',
    "lt": "<",
    "gt": ">",
    "apos": "'",
    "sol": "/",
    "plus": "+",
    "lowbar": "_",
    "hyphen": "-",
    "equals": "=",
}
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(
    r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([\"'\\/bfnrt]))"
    r"|%([0-9A-Fa-f]{2})"
    rf"|&(?:#([0-9]{{1,6}})|#[xX]([0-9A-Fa-f]{{1,5}})|({'|'.join(_NAMED)}));"
)


def redact(text: Text, secrets: Iterable[str] = (), least: int = MIN_SECRET) -> Text:
    """Return the text with every known secret, and everything that has the shape of a key, replaced by `MASK`.

    Bytes are taken for ASCII or for anything that extends it, such as UTF-8. A known secret of fewer than `least`
    characters stays.
    """
    if isinstance(text, str):
        return _masked(text, _bare(_forms(secrets, least), least))
    # Latin-1 has a character for every byte, so that places in the one are places in the other.
    forms = [form.encode().decode("latin-1") for form in _forms(secrets, least)]
    decoded = text.decode("latin-1")
    masked = _masked(decoded, _bare(forms, least))
    return text if masked == decoded else masked.encode("latin-1")  # one copy of a long answer is enough


def holds_key(text: str, length: int) -> bool:
    """Return whether the text holds, as it stands, what begins as a provider's keys do and has at least so many
    characters.
    """
    folded = text.lower()
    return any(
        len(match[0]) >= length
        for shape in _BY_START
        if shape.hint in folded
        for match in re.finditer(shape.pattern, text)
    )


def clean(header: str, secrets: Iterable[str] = ()) -> str:
    """Return a header's value as it is, or nothing where it holds a secret: half a validator validates nothing."""
    return header if redact(header, secrets) == header else ""


def _forms(secrets: Iterable[str], least: int) -> list[str]:
    """Return what each known secret may stand as once all escapes are off: itself, and inside Base64, as `Basic` has it
    behind a user's name.
    """
    forms: dict[str, None] = {}
    for secret in secrets:
        if len(secret) < least:
            continue
        forms[secret] = None
        content = secret.encode()
        for shift in range(3):
            # The characters that the neighbours have a part in are left out.
            coded = b64encode(b"\0" * shift + content).decode().rstrip("=")
            whole = coded[(0, 2, 3)[shift] : (shift + len(content)) * 8 // 6]
            if len(whole) >= _BASE64_LENGTH:
                forms[whole] = None
                forms[whole.replace("+", "-").replace("/", "_")] = None
    return list(forms)


def _bare(forms: Iterable[str], least: int) -> list[str]:
    """Return the forms, and each without what looks like an escape in it (`%40` in the password of a URL): where the
    text around it is escaped, that goes with the text's own.
    """
    bare: dict[str, None] = {}
    for form in forms:
        layer = _Layer(form)
        bare[form] = None
        while layer.marks and len(layer.inside) >= least:
            bare[layer.inside] = None
            layer = _Layer(layer.inside)
    return list(bare)


def _masked(text: str, forms: Iterable[str]) -> str:
    pieces: list[str] = []
    end = 0
    for start, stop in sorted(_spans(text, forms)):
        if start >= end:
            pieces += (text[end:start], MASK)
        end = max(end, stop)
    return "".join((*pieces, text[end:])) if pieces else text


def _spans(text: str, forms: Iterable[str]) -> Iterator[Span]:
    """Yield where secrets stand in the text, under any layer of escapes."""
    layers: list[_Layer] = []
    view = text
    while True:
        layer = _Layer(view)
        for span in _found(view, forms):
            for outer in reversed(layers):
                span = outer.outside(span)
            # Only here, since what is inside need not be escaped once more.
            yield span if layers else layer.rounded(span)
        if not layer.marks or len(layers) == LAYERS:
            return
        layers.append(layer)
        view = layer.inside


def _found(view: str, forms: Iterable[str]) -> Iterator[Span]:
    """Yield where secrets stand in a text without escapes."""
    for form in forms:
        at = view.find(form)
        while at >= 0:
            yield at, at + len(form)
            at = view.find(form, at + len(form))
    folded = view.lower()
    for shape in SHAPES:
        if shape.hint in folded:
            for match in re.finditer(shape.pattern, view):
                group = min(1, match.re.groups)
                if shape.holds is None or shape.holds(match[group]):
                    yield match.span(group)


class _Layer:
    """A text and what it is when one layer of escapes is off. Every escape becomes one character, so places can be told
    from a list of them.
    """

    def __init__(self, text: str) -> None:
        self.marks: list[Span] = []
        """Where the escapes stand in the text."""
        self._points: list[int] = []
        """Where their characters stand in `inside`."""
        pieces: list[str] = []
        end = length = 0
        for match in _ESCAPE.finditer(text):
            start, stop = match.span()
            length += start - end
            pieces += (text[end:start], _character(match))
            self._points.append(length)
            self.marks.append((start, stop))
            end, length = stop, length + 1
        self.inside = "".join((*pieces, text[end:])) if pieces else text

    def rounded(self, span: Span) -> Span:
        """Return a span of the text, widened to the escapes that it would cut."""
        start, stop = span
        before, last = self._escape(start), self._escape(stop)
        return (
            before[0] if before and start < before[1] else start,
            last[1] if last and last[0] < stop < last[1] else stop,
        )

    def outside(self, span: Span) -> Span:
        """Return a span of `inside`, in the text."""
        return self._place(span[0])[0], self._place(span[1] - 1)[1]

    def _escape(self, place: int) -> Span | None:
        """Return the last escape that begins at or before a place of the text."""
        at = bisect_right(self.marks, place, key=lambda mark: mark[0]) - 1
        return self.marks[at] if at >= 0 else None

    def _place(self, point: int) -> Span:
        at = bisect_right(self._points, point) - 1
        if at < 0:
            return point, point + 1
        if self._points[at] == point:
            return self.marks[at]
        start = self.marks[at][1] + point - self._points[at] - 1
        return start, start + 1


def _character(match: re.Match[str]) -> str:
    unicode, byte, letter, percent, decimal, hexadecimal, name = match.groups()
    if letter:
        return _LETTERS.get(letter, letter)
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(unicode or byte or percent or hexadecimal, 16)
    return chr(code) if code < 0x110000 else "\ufffd"
