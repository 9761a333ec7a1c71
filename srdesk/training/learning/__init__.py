"""What a training step computes: losses, the two optimisers, the guard, and how good the result is."""
