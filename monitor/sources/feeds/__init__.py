"""One module a feed format, each a function from parsed JSON to prices. No I/O, no clock."""
