"""The names of ``redis.asyncio`` over the sync client: the services above do not notice."""

from typing import Any, Self

from bench.arms.ways import Way
from riverrun.infra.redis_clients import SyncRedis


class AdaptedRedis:
    """A client whose every command goes the arm's way."""

    def __init__(self, client: SyncRedis, way: Way) -> None:
        self._client = client
        self._way = way

    def register_script(self, script: str) -> "AdaptedScript":
        """A script to be awaited."""
        return AdaptedScript(self._client.register_script(script), self._way)

    def pipeline(self, **options: Any) -> "AdaptedPipeline":
        """A pipeline whose ``execute`` is awaited."""
        return AdaptedPipeline(self._client.pipeline(**options), self._way)

    async def aclose(self) -> None:
        """Close the pool."""
        await self._way(self._client.close)

    def __getattr__(self, name: str) -> Any:
        command = getattr(self._client, name)

        async def perform(*args: Any, **kwargs: Any) -> Any:
            return await self._way(command, *args, **kwargs)

        return perform


class AdaptedPipeline:
    """Commands are queued at once; only ``execute`` makes a round trip."""

    def __init__(self, pipeline: Any, way: Way) -> None:
        self.sync = pipeline
        self._way = way

    async def execute(self) -> Any:
        """All replies."""
        return await self._way(self.sync.execute)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sync, name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.sync.reset()


class AdaptedScript:
    """A registered script, alone or within a pipeline."""

    def __init__(self, script: Any, way: Way) -> None:
        self._script = script
        self._way = way

    async def __call__(self, keys: Any, args: Any = (), client: AdaptedPipeline | None = None) -> Any:
        if client is not None:
            return self._script(keys=keys, args=args, client=client.sync)
        return await self._way(self._script, keys=keys, args=args)
