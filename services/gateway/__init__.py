"""The model gateway tier: one model behind one task set."""
