"""What astronomers and surveyors see besides the panes: parts and bands, stretch, places, headers, flux."""
