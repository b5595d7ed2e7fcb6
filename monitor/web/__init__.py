"""What `run` answers over HTTP: the gate, OFREP, lease files, health and metrics. Nothing is decided and nothing
written here.
"""
