"""Frames on a Dask cluster: stored Parquet in, stored Parquet out, nothing but links in between.

What a cluster's worker is sent stands in `cluster_tasks`. Neither it nor this process has a key of
the object store: each object has a link that allows one method, for as long as the attempt.
"""
# pyright: reportPrivateImportUsage=false

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

import narwhals as nw

from tidemill_processor import cluster_tasks, proven
from tidemill_processor.run import Cancelled, DataError, LazyFrame, Progress, TransientError
from tidemill_processor.wire import Linked, Place, StoredPart

CONNECT_S = 10.0
LOOK_S = 0.1


class ClusterAway(TransientError):
    """The Dask scheduler does not answer."""

    code = "cluster_away"


class Cluster:
    """A connection for one task; every computation in it can be cancelled."""

    def __init__(self, scheduler: str, cancel: Event) -> None:
        import distributed

        try:
            self._client = distributed.Client(
                scheduler, timeout=CONNECT_S, set_as_default=False, name="tidemill"
            )
        except OSError as error:
            raise ClusterAway(f"no Dask scheduler at {scheduler}: {error}") from error
        self._cancel = cancel

    def close(self) -> None:
        """Leave; the scheduler drops what was asked for and is not done."""
        self._client.close()

    @contextmanager
    def computing(self) -> Generator[None]:
        """What Dask is asked for in here runs on this cluster; what is not proven is refused."""
        import dask

        proven.refuse_all_else()
        with dask.config.set(
            {"scheduler": self._get, "dataframe.convert-string": False},
        ):
            yield

    def scan(self, parts: Sequence[Linked]) -> LazyFrame:
        """The rows of all parts, in order; each part is checked against its digest first."""
        import dask.dataframe as dd

        checked = self._each(cluster_tasks.inspect, [(part.url, part.sha256) for part in parts])
        for found in checked:
            if found.strange:
                raise DataError(
                    f"{', '.join(found.strange)}: Dask does not tell NaN from null;"
                    " use a queue with the engine polars",
                    code="nan_on_dask",
                )
        pieces = [
            (part.url, group)
            for part, found in zip(parts, checked, strict=True)
            for group in range(max(1, found.groups))
        ]
        frame: Any = dd.from_map(cluster_tasks.read, pieces, meta=checked[0].empty())
        return nw.from_native(frame)

    def write(self, frame: Any, places: Sequence[Place], progress: Progress) -> list[StoredPart]:
        """Store a frame in as many parts as there are places for, at most."""
        native: Any = nw.to_native(frame)
        if native.npartitions > len(places):
            native = native.repartition(npartitions=len(places))
        import dask

        store = dask.delayed(cluster_tasks.store, pure=False)
        count = native.npartitions
        tasks = [
            store(part, place.put, number, native._meta, always=number == 0)  # noqa: SLF001 - Dask's word for the empty frame
            for number, (part, place) in enumerate(
                zip(native.to_delayed(), places[:count], strict=True)
            )
        ]
        found = dask.compute(*tasks, scheduler=_Told(self._get, progress))
        return [StoredPart(*part) for part in found if part is not None]

    def quantiles(
        self, frame: LazyFrame, columns: Sequence[str], quantiles: Sequence[float]
    ) -> dict[str, list[float | None]]:
        """Exact quantiles in two passes of counting, however many columns there are."""
        import dask

        native: Any = nw.to_native(frame)[list(columns)]
        parts = native.to_delayed()
        sketch, count = dask.delayed(cluster_tasks.sketch), dask.delayed(cluster_tasks.count)
        sketches = dask.compute(*[sketch(part) for part in parts])
        brackets = cluster_tasks.brackets(sketches, columns, quantiles)
        counts = dask.compute(*[count(part, brackets) for part in parts])
        return cluster_tasks.select(counts, brackets, columns, quantiles)

    def _each(self, function: Callable[..., Any], arguments: list[Any]) -> list[Any]:
        import dask

        task = dask.delayed(function, pure=False)
        return list(dask.compute(*[task(*each) for each in arguments], scheduler=self._get))

    def _get(self, graph: Any, keys: Any, **options: Any) -> Any:
        """Run a graph, looking for a cancel meanwhile."""
        return self.run(graph, keys, None, **options)

    def run(self, graph: Any, keys: Any, progress: Progress | None, **_: Any) -> Any:
        from distributed.client import FutureCancelledError

        wanted = self._client.get(graph, keys, sync=False)
        futures = list(_flat(wanted))
        try:
            while waiting := [future for future in futures if not future.done()]:
                self._stop_if_cancelled()
                if progress is not None:
                    progress(len(futures) - len(waiting), len(futures), "parts")
                time.sleep(LOOK_S)
            return self._client.gather(wanted)
        except Cancelled:
            self._client.cancel(futures, force=True)
            raise
        except FutureCancelledError as error:
            raise ClusterAway(str(error)) from error
        finally:
            for future in futures:
                future.release()

    def _stop_if_cancelled(self) -> None:
        if self._cancel.is_set():
            raise Cancelled("the run was cancelled")


class _Told:
    """A scheduler that tells of its progress."""

    def __init__(self, get: Any, progress: Progress) -> None:
        self._cluster: Cluster = get.__self__
        self._progress = progress

    def __call__(self, graph: Any, keys: Any, **options: Any) -> Any:
        return self._cluster.run(graph, keys, self._progress, **options)


def _flat(nested: Any) -> Iterator[Any]:
    if isinstance(nested, list | tuple):
        for each in nested:
            yield from _flat(each)
    else:
        yield nested
