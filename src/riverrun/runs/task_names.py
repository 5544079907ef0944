"""What Celery calls the tasks that perform runs: the API asks for them and workers offer them, and neither imports the other."""

from riverrun.runs.models import RunKind

ANSWER_TASK = "riverrun.execute_agent_background"
REGENERATE_TASK = "riverrun.execute_regenerate_background"
INDEXING_TASK = "riverrun.process_parsing"

TASKS = {
    RunKind.ANSWER: ANSWER_TASK,
    RunKind.REGENERATION: REGENERATE_TASK,
    RunKind.INDEXING: INDEXING_TASK,
}
