"""What the audit finds and is right to be there, each with its reason. An entry that finds nothing any more is a fault."""

ALLOWED = {
    (
        "riverrun.infra.loop_report.LoopReport.document",
        "threading.Lock.__enter__",
    ): "held for a few assignments, by the watchdog's thread, at a stall; an administrator asks",
    (
        "riverrun.infra.loop_report.LoopReport.reset",
        "threading.Lock.__enter__",
    ): "held for a few assignments, by the watchdog's thread, at a stall; an administrator asks",
    (
        "riverrun.infra.thread_clock._open_schedstat",
        "os.open",
    ): "a file of /proc, which no disk holds, once, while the app starts",
    (
        "riverrun.streaming.redis_streaming.RedisStreamManager.get_task_status",
        "redis.Redis.get",
    ): "the plan's own reader, which a setting chooses: Starlette goes through its plain generator in threads",
    (
        "riverrun.streaming.redis_streaming.RedisStreamManager._await_entries",
        "redis.Redis.xread",
    ): "the plan's own reader, which a setting chooses: Starlette goes through its plain generator in threads",
}
"""By the function that makes the call, and what it calls."""
