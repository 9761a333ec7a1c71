"""What was found out about results, as tables, maps and one HTML file."""
