"""The core: events are admitted, counted and judged, and alerts are given reasons."""
