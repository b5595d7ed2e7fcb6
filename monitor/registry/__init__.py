"""The entries: what each pins and requires, what changes do to it, and what people do with it."""
