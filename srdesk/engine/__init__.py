"""From a Source to a Sink four times as large: planning, streaming, weights and devices."""
