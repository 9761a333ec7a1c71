"""From a folder of pictures to a weights file."""
