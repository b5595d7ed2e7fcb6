"""The transparency log: signed checkpoints of the tree over the log, proofs, and the verification of all of it."""
