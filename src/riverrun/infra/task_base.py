"""The base of all tasks: gives each worker process its resources, once, after the fork, and each line of log its run."""

import os
from typing import Any

from celery import Celery, Task

from riverrun.infra import logs
from riverrun.infra.settings import Settings
from riverrun.infra.shared_metrics import SharedMetrics
from riverrun.infra.worker_leaving import Leaving
from riverrun.infra.worker_resources import WorkerResources


class RunTask(Task):  # type: ignore[misc]
    """A task whose work is a run. What it works with is put on the app by ``bind_settings``."""

    abstract = True

    def __call__(self, *args: Any, run_id: str, **kwargs: Any) -> Any:
        """Perform the run; what is logged meanwhile says which."""
        token = logs.run_id.set(run_id)
        try:
            return self.run(*args, run_id=run_id, **kwargs)
        finally:
            logs.run_id.reset(token)

    @property
    def resources(self) -> WorkerResources:
        """This process's engine and client; a forked child never uses its parent's sockets."""
        held: WorkerResources | None = getattr(self.app, "riverrun_resources", None)
        if held is None or held.pid != os.getpid():
            app = self.app
            held = WorkerResources.open(app.riverrun_settings, app.riverrun_leaving, app.riverrun_metrics)
            self.app.riverrun_resources = held
        return held


def bind_settings(
    app: Celery, settings: Settings, leaving: Leaving, metrics: SharedMetrics | None = None
) -> None:
    """Make ``settings``, the word to leave and what is counted known to the app's tasks."""
    app.riverrun_settings = settings
    app.riverrun_leaving = leaving
    app.riverrun_metrics = metrics
