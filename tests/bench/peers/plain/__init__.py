"""A service of jobs as people write it with FastAPI, Celery, Redis and PostgreSQL."""
