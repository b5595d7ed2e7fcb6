"""The use cases, against ports: no library that does I/O, no settings, no clock but the one that is handed in."""
