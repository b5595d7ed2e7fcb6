"""What everything else speaks of: facts, prices, events, entries and the ports. No clock, socket, file or database, and
it knows no other folder.
"""
