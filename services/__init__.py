"""What runs in the containers: the API tier and the model gateway tier."""
