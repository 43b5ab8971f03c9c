"""The API tier: sessions, intents, arm assignment, conversation history, outcomes."""
