"""From observations to confirmed changes: admission, comparison, confirmation, corroboration. It knows sources and
facts.
"""
