"""Currencies and units in words: whether a text names one that is not the dollar of the United States per 1M tokens."""

from __future__ import annotations

import re

_ISO = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
CHF CHW CLF CLP CNH CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF
GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD
LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NTD NZD OMR PAB PEN PGK PHP
PKR PLN PYG QAR RMB RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND
TOP TRY TTD TWD TZS UAH UGX UYI UYU UZS VED VES VND VUV WST XAF XCD XDR XOF XPF YER ZAR ZMW ZWL BTC ETH USDT USDC
"""
_CODES = _ISO.split()
_WORDS = frozenset(
    {"ALL", "TOP", "TRY", "CUP", "MOP", "PEN", "GEL", "SOS", "BOB", "COP", "MAD", "LAK", "BAM", "ETH", "BAN"}
)
"""Codes that are words or abbreviations as well: taken as money only where nothing else can be meant (`in TRY`,
`(TRY)`).
"""

_PLAIN_CODES = "|".join(code for code in _CODES if code not in _WORDS)
_FOREIGN = re.compile(
    r"[€£¥¢₩₹₽₺₪₫฿₴₦₱₡₲₵₸₭₮₼₾﷼元円]|人民币|欧元|\bzł|\bKč|\bR\$|(?<![A-Za-z])(?!US\$)[A-Z]{1,3}\$|\$ ?(?:CAD|AUD|NZD"
    r"|SGD|HKD|TWD|MXN)\b"
    rf"|\b(?:{_PLAIN_CODES})\b|(?:\bin |[(:/] ?|currency )(?:{'|'.join(sorted(_WORDS))})\b(?! [A-Z]{{3}})"
    rf"|(?i:\b(?:in|currency:?) (?:{_PLAIN_CODES})\b"
    r"|\b(?:euros?|pounds?|sterling|yen|yuan|renminbi|rupees?|francs?|krona|krone|kronor|kroner|z[lł]oty|lira"
    r"|reais|rubles?|roubles?|pesos?|rand"
    r"|shekels?|baht|ringgit|rupiah|dong|dirhams?|riyals?|rials?|dinars?|forints?|koruna|hryvnia|naira"
    r"|shillings?|cedis?|taka|tenge|bitcoins?|crypto\w*)\b"
    r"|\b(?:korean|in) won\b|\bbrazilian real\b|\bcents\b|\bin credits\b|\bin (?:thousands|millions|hundreds)\b"
    r"|(?<![\w.])(?!u\.s\.)(?!(?:us|american|states|in|the|of|and|or|to|per|for|million|billion|thousand|hundred"
    r"|are|is|as|from|their|our)\b)[a-z.]+[ -]dollars?\b"
    r"|\bdollars? (?:canad|austral|kanad|neoz|singap|hongk)\w+"
    r"|\b(?:local|your|own|another|other|home|regional|national|native|foreign|different|billing|preferred"
    r"|respective)(?: local)? currenc(?:y|ies)\b"
    r"|\bexchange rates?\b|\bcurrency conversion\b|\b(?:milli|micro)-?(?:cents?|dollars?)\b"
    r"|\bdollars?\b[^.;]{0,30}\b(?:canad|austral|singap|taiwan|jamaic|namib|fij)\w+"
    r"|\bdollars?\b[^.;]{0,30}\b(?:hong kong"
    r"|new zealand)\b|[x×*] ?10{2,}\b|日本円|人民元|美分)"
)
_IN_DOLLARS = re.compile(
    (
        r"(?:\b(?:stated |listed |shown |quoted |given )?in )?(?:\bUSD?\$?|\bU\.S\.|\bUS|\bAmerican|\bUnited "
        r"States) ?(?:dollars?|\bUSD\b|\$)?(?=\W|$)|\bin dollars\b"
    ),
)
_MARKED_UP = re.compile(r"""(?:priceCurrency|price:currency)\\?["']?\s*(?:content\s*=|[:=])?\s*\\?["']?([A-Z]{3})\b""")
_MILLION = re.compile(
    (
        r"\(?(?:\$ ?)?(?:\b(?:per|/)|/) ?(?:1 ?m|1 million|one million|a million|million|1,000,000|m)[ -]"
        r"(?:(?:input|output|text) )?tok(?:ens?|s)?\b(?! ?(?:per|/))\)?|/ ?MTok\b|\bper MTok\b"
    ),
    re.IGNORECASE,
)
_PER = re.compile(
    r"(?:\bper |\bby the |\bfor (?:every|each) |\bunits?:? (?:is |are )?|/ ?)(?:an? |one "
    r"|single )?(?:[0-9][0-9,.]*|thousand|million"
    r"|hundred)? ?(?:k|m|b|thousand|million|billion)?[ -]?"
    r"(?:(?:input|output|generated|processed|text|new|unique) )?(?:tok(?:ens?)?|ktok|kilotokens?|characters?"
    r"|chars?|seconds?|minutes?|hours?|days?|weeks?|months?|years?"
    r"|images?|pages?|calls?|requests?|songs?|words?|credits?|cents"
    r"|quer(?:y|ies)|search(?:es)?|seats?|users?|sessions?|steps?|gpus?|instances?|messages?|conversations?"
    r"|generations?|videos?|clips?|megapixels?|frames?|megabytes?|[kmg]b)\b"
    r"|\bfor (?:every )?(?:[0-9][0-9,.]*|an? thousand|one thousand)[ -]?[kb]? tokens?\b|\bper (?:[0-9][0-9,.]*"
    r"|[0-9]+ ?k|thousand|hundred|million|[a-z]+token)\b(?! (?:input |output |text )?tok)|\bper token\b"
    r"|\bby the (?:thousand|hundred)\b|\bone hundred thousand\b"
    r"|(?:(?<![0-9,])1?[0-9]{0,2},?000|[千万]) ?(?:トークン|个? ?token|文字|字符|個のトークン)",
    re.IGNORECASE,
)


def foreign(text: str) -> str:
    """Return the words of a text that name a currency other than the dollar of the United States; empty where none
    does.
    """
    match = _FOREIGN.search(text)
    return match[0].strip(" (:/") if match else ""


def foreign_at(text: str, start: int = 0) -> tuple[int, int] | None:
    """Return where the next of such words stands."""
    match = _FOREIGN.search(text, start)
    return match.span() if match else None


def other_unit(text: str) -> str:
    """Return the words of a text that name a unit of prices other than 1M tokens; empty where none does."""
    match = _PER.search(_MILLION.sub(" ", text))
    return match[0].strip(" (/") if match else ""


def by_million(text: str) -> bool:
    """Return whether a text says "per 1M tokens" in any of its spellings."""
    return _MILLION.search(text) is not None


def marked_up(text: str) -> str:
    """Return the currency that a page's markup names for its prices (`"priceCurrency": "CAD"`); empty where it names
    none, or dollars among others.
    """
    if "urrency" not in text:
        return ""
    codes = {match[1] for match in _MARKED_UP.finditer(text)}
    return "" if "USD" in codes else min(codes, default="")


def unpriced(text: str) -> str:
    """Return a text without "per 1M tokens" and "in USD", which say what is so of every price here."""
    return _IN_DOLLARS.sub(" ", _MILLION.sub(" ", text))
