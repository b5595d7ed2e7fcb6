"""A provider's deprecations page: which models, endpoints and features end when, how surely, and what replaces them.

`columns` binds the columns of tables by their headers, `names` says what a cell names, `dates` what a day is and how
surely it is one, `prose` reads sentences and lists, `reading` puts a page together.
"""

from monitor.sources.deprecations.reading import EXTRACTOR, EndsReading, read, snapshot

__all__ = ["EXTRACTOR", "EndsReading", "read", "snapshot"]
