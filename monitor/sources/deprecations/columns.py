"""What the columns of a table of ends hold, by their headers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.ends import Precision
from monitor.core.facts import DEPRECATION, REPLACEMENT, SHUTDOWN_DATE
from monitor.sources.deprecations.dates import precision_of_header
from monitor.sources.pricing_page.blocks import PageTable
from monitor.sources.pricing_page.inline import CODE

ROW = DEPRECATION + "listed"
STATUS = DEPRECATION + "status"
NOTICE_DATE = DEPRECATION + "notice_date"
REPLACEMENT_KIND = DEPRECATION + "replacement_kind"

VERSION = "version"
UPDATE = "update"
DATE = "date"

_END = (
    r"(?:shut ?down|shutdown|retirement|retire|retired|retires|retiring|eol|end[- ]of[- ]life|discontinuation"
    r"|discontinued|sunset|removal|decommission(?:ing)?|end[- ]of[- ]service|offline)"
)
_SHUTDOWN = re.compile(
    rf"(?:model |api )?(?:tentative |planned |scheduled |earliest(?: possible)? )?{_END}(?: \(eol\))?"
    r"(?: (?:date|time|on|day))?"
    rf"(?: \((?:earliest(?: possible)?|utc|tentative|{_END}(?: date)?)\))?"
    r"(?: (?:no|not) (?:sooner|earlier) than| not before)?|(?:no|not) (?:sooner|earlier) than(?: …| \.\.\.)?|not before"
    r"|下线时间|停用日期|停止服务日期|退役日期"
)
_MODELS = re.compile(
    r"(?:affected|deprecated|legacy|retired|retiring|discontinued)? ?models?(?: names?)?"
    r"|models? (?:family )?/ (?:system|snapshots?|feature|endpoint)|model family / snapshot|model snapshot|snapshot"
    r"|model being (?:retired|deprecated)|system|模型|模型名称"
)
_IDS = re.compile(
    r"(?:api |deprecated |affected |retired |legacy )?model (?:ids?|identifiers?|codes?|strings?|slugs?)"
    r"|api model names?|slug|model id \(.*\)|api endpoints?"
)
_FEATURES = re.compile(
    r"(?:affected |deprecated )?(?:endpoints?|features?|apis?|products?|systems?)"
    r"(?:(?: or | and | ?/ ?)(?:endpoints?|features?|apis?|products?|parameters?|systems?))*"
)
_MIXED = re.compile(r"\b(?:system|endpoint|feature|api|product)s?\b")
_REPLACED = re.compile(
    r"(?:recommended|suggested|substitute|alternative|self-deploy)? ?(?:replacement|alternative|substitute|upgrade)s?"
    r"(?: base)?(?: models?)?(?: ids?)?|migrate to|upgrade to|successor|替代模型|建议替代|推荐替代方案"
    r"|(?:recommended|alternative|substitute|suggested) models?"
)
_NOTICED = re.compile(
    r"notice date|announce(?:d|ment)(?: date| on)?|date announced|deprecat(?:ed|ion)(?: on| date| announced| on date)?"
    r"|legacy date|date of notice"
)
_STATE = re.compile(r"(?:current |lifecycle |model )?(?:status|state|stage)|lifecycle")
_LIKE_AN_END = re.compile(rf"\b{_END}\b|\bdeprecat|\bnot? (?:sooner|earlier|before)\b|下线|停用|退役")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the columns of a table hold.

    Attributes:
        kinds: Column → what it holds; a column that nothing is known of is left out.
        ids: Whether the column of what ends holds nothing but ids.
        features: Whether it may hold endpoints and features as well.
        precision: How sure a bare day is.
        tentative: Whether the page calls its days tentative, so that one is firm only once the end is announced.
        passed: The labels of columns that are not read.
        unclear: The labels among these that speak of an end all the same.
    """

    kinds: dict[int, str]
    ids: bool = False
    features: bool = False
    precision: Precision = Precision.FIRM
    tentative: bool = False
    passed: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()

    def has(self, *kinds: str) -> bool:
        """Say whether there is exactly one column of each of these kinds."""
        columns = list(self.kinds.values())
        return all(columns.count(kind) == 1 for kind in kinds)

    @property
    def doubled(self) -> bool:
        """Whether two columns hold the same kind of thing."""
        return len(self.kinds) != len(set(self.kinds.values()))


def tells_apart(table: PageTable) -> bool:
    """Return whether a table has days of ends, so that its page has a word for them."""
    return SHUTDOWN_DATE in bound(labels(table)).kinds.values()


def labels(table: PageTable) -> list[str]:
    """Return the labels of a table's columns, in lower case."""
    columns = zip(*table.header, strict=False)
    return [plain(" ".join(filter(None, column))) for column in columns]


def plain(label: str) -> str:
    """Return a label as it is looked up."""
    return " ".join(label.replace(CODE, "").replace("*", "").lower().split()).rstrip(":")


def bound(names: Sequence[str]) -> Columns:
    """Bind columns by their labels."""
    ids = [index for index, label in enumerate(names) if _IDS.fullmatch(label)]
    kinds: dict[int, str] = {}
    for index, label in enumerate(names):
        if index in ids[:1]:
            kinds[index] = ROW
        elif kind := kind_of(label):
            if kind == ROW and ids:  # beside a column of ids the model's name is only a name
                continue
            kinds[index] = kind
    if SHUTDOWN_DATE not in kinds.values() and NOTICE_DATE in kinds.values():
        # Without another date it may be that of the end: `deprecation date` is used for both.
        kinds = {
            index: kind for index, kind in kinds.items() if kind != NOTICE_DATE or not names[index].startswith("deprec")
        }
    shutdown = next((names[index] for index, kind in kinds.items() if kind == SHUTDOWN_DATE), "")
    row = next((names[index] for index, kind in kinds.items() if kind == ROW), "")
    passed = tuple(label for index, label in enumerate(names) if label and index not in kinds)
    return Columns(
        kinds=kinds,
        ids=bool(ids),
        features=bool(_FEATURES.fullmatch(row) or _MIXED.search(row)),
        precision=precision_of_header(shutdown),
        tentative="tentative" in shutdown,
        passed=tuple(label for label in passed if not label.endswith("price")),
        unclear=tuple(label for label in passed if _LIKE_AN_END.search(label) and not label.endswith("price")),
    )


def kind_of(label: str) -> str:
    """Return what a column with this label holds; empty where that is not known."""
    if _SHUTDOWN.fullmatch(label):
        return SHUTDOWN_DATE
    if _MODELS.fullmatch(label) or _IDS.fullmatch(label) or _FEATURES.fullmatch(label):
        return ROW
    if _REPLACED.fullmatch(label):
        return REPLACEMENT
    if _NOTICED.fullmatch(label):
        return NOTICE_DATE
    if _STATE.fullmatch(label):
        return STATUS
    return {"version": VERSION, "model version": VERSION, "update": UPDATE, "date": DATE}.get(label, "")
