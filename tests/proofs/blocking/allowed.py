"""What the audit finds and is right to be there, each with its reason. An entry that finds nothing any more is a fault."""

AT_START = "the lifespan does it, before the server listens"
PLANS_READER_AT_START = (
    "the plan's own reader, which a setting chooses: opened before the server listens, closed at the end"
)

ALLOWED = {
    ("riverrun.infra.postgres_options.require_known", "pathlib.Path.is_file"): AT_START,
    ("riverrun.infra.postgres_options.tls_context", "ssl.create_default_context"): AT_START,
    (
        "riverrun.infra.postgres_options.tls_context",
        "ssl.create_default_context().load_cert_chain",
    ): AT_START,
    (
        "riverrun.infra.database._watch_over.<locals>.ping_after_a_pause",
        "sqlalchemy.Engine.dialect.do_ping",
    ): "of an asynchronous engine: SQLAlchemy awaits it in a greenlet",
    ("riverrun.infra.redis_clients.open_redis", "redis.Redis.from_url"): PLANS_READER_AT_START,
    ("riverrun.infra.redis_clients.open_blocking_redis", "redis.Redis.from_url"): PLANS_READER_AT_START,
    ("riverrun.streaming.reader_choice.choose_reader", "redis.Redis.__enter__"): PLANS_READER_AT_START,
    ("riverrun.streaming.reader_choice.choose_reader", "redis.Redis.__exit__"): PLANS_READER_AT_START,
    (
        "riverrun.streaming.generator.ThreadpoolReader.drain",
        "redis.Redis.connection_pool.disconnect",
    ): PLANS_READER_AT_START,
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
