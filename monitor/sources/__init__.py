"""Where observations come from: each kind of source behind the one port `Source`. Nothing here judges what was seen."""
