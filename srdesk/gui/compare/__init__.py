"""Pictures side by side in step: pyramids, panes, divider, blink and difference."""
