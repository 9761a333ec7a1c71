"""The folder of a training run: what it holds, who owns it, and what may be asked of it."""
