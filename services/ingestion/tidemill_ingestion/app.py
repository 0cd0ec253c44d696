"""The ingestion service, put together."""

from functools import partial
from typing import Any

from litestar import Litestar, Request
from litestar.di import Provide

from tidemill_ingestion.collecting import Collector
from tidemill_ingestion.consumers import answer_jobs, reactions
from tidemill_ingestion.content_routes import content, lineage
from tidemill_ingestion.finishing import Finisher
from tidemill_ingestion.keeper_routes import CollectionController, usage
from tidemill_ingestion.keeping import machines
from tidemill_ingestion.repository import DatasetRepository
from tidemill_ingestion.routes import DatasetController
from tidemill_ingestion.settings import Settings
from tidemill_ingestion.upload_repository import UploadRepository
from tidemill_ingestion.upload_routes import UploadController
from tidemill_kit import app, lifespan, logs, serve, storage
from tidemill_kit.consumers import follow
from tidemill_kit.db import Database
from tidemill_kit.injection import repositories
from tidemill_kit.objects import Objects
from tidemill_kit.settings import load
from tidemill_kit.storage import Storage

SERVICE = "ingestion"


def create_app(settings: Settings | None = None) -> Litestar:
    settings = settings or load(Settings)

    async def read_artifact(key: str) -> bytes:
        objects: Storage = made.state.storage
        return await objects.get_bytes(settings.s3_results_bucket, key)

    made = app.create_app(
        settings,
        name=SERVICE,
        controllers=[DatasetController, UploadController, CollectionController],
        routes=[usage, content, lineage],
        lifespan=[
            lifespan.database(settings, SERVICE),
            lifespan.forgetting(),
            storage.lifespan(settings, Objects),
            lifespan.events(
                settings,
                SERVICE,
                follow=partial(follow, reactions(read_artifact, settings.trash_s)),
                connected=answer_jobs,
            ),
            machines(settings),
        ],
        dependencies={
            **repositories(datasets=DatasetRepository, uploads=UploadRepository),
            "database": Provide(_database, sync_to_thread=False),
            "storage": Provide(_storage, sync_to_thread=False),
            "finisher": Provide(_finisher, sync_to_thread=False),
            "collector": Provide(_collector, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
        },
    )
    return made


def main() -> None:
    settings = load(Settings)
    logs.configure(SERVICE, settings.log_level)
    serve.run(create_app(settings), settings)


def _database(request: Request[Any, Any, Any]) -> Database:
    return request.app.state.database


def _storage(request: Request[Any, Any, Any]) -> Objects:
    return request.app.state.storage


def _finisher(request: Request[Any, Any, Any]) -> Finisher:
    return request.app.state.finisher


def _collector(request: Request[Any, Any, Any]) -> Collector:
    return request.app.state.collector
