"""What a person hands in beside their word: results of evals, samples of request logs. Read by content, never by the
name of the file.

Nothing here is polled and nothing is judged: files become values, or a reason why nothing can be read from them.
"""
