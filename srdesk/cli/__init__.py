"""The command line: upscale · reproduce · evaluate · train · models · bench."""

VERBS = ("upscale", "reproduce", "evaluate", "train", "models", "bench")
"""Words that start the command line instead of the desk."""
