"""What an item says of its events and its entry: content only, without markup. One module a subject."""
