"""Where the servers are, from the environment."""

import os

DATABASE = os.environ["PLAIN_DATABASE"]
FILES = os.environ["PLAIN_FILES"]
REDIS_URL = os.environ["PLAIN_REDIS_URL"]
ASYNC_URL = f"postgresql+asyncpg://{DATABASE}"
SYNC_URL = f"postgresql+psycopg://{DATABASE}"
