"""Real servers out of their wheels and all services, on one machine."""
