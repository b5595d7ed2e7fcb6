"""The read API below `/v1`: what can be asked, the models that answer, and their description."""
