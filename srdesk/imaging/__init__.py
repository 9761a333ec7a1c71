"""Pictures as numbers: reading, writing, resampling and measuring. No torch, no Qt."""
