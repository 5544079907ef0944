"""What can go wrong with servers while the stack starts is told in one line."""

import httpx2
import pytest
from sqlalchemy import text

from riverrun.cli.stack import Stack, StackError, consumes, in_words
from riverrun.embedded import EmbeddedError
from riverrun.infra.database import open_engine
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.settings import Settings

NOBODY = "127.0.0.1:1"


def error_of(call):
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


def ask_database():
    engine = open_engine(f"postgresql://riverrun@{NOBODY}/riverrun", pool_size=1)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def ask_redis():
    with open_redis(f"redis://{NOBODY}/0") as redis:
        redis.ping()


def ask_api():
    httpx2.get(f"http://{NOBODY}/")


@pytest.mark.parametrize(
    ("ask", "names"),
    [(ask_database, "RIVERRUN_DATABASE_URL"), (ask_redis, "RIVERRUN_REDIS_URL"), (ask_api, "api.log")],
)
def test_a_server_that_is_away_is_named_in_one_line(ask, names):
    told = in_words(error_of(ask))
    assert isinstance(told, StackError)
    assert names in str(told)
    assert "\n" not in str(told)


def test_an_embedded_server_says_its_reason_and_shows_its_log_apart():
    told = in_words(EmbeddedError("the disk is full\nPANIC: no space\nmore"))
    assert (str(told), told.log) == ("the disk is full", "PANIC: no space\nmore")


def test_a_redis_that_cannot_be_asked_just_now_is_asked_again():
    with open_redis(f"redis://{NOBODY}/0") as redis:
        assert consumes(redis, ["a"]) is False


def test_all_queues_have_to_be_consumed(sync_redis):
    sync_redis.set("a", "ready")
    assert consumes(sync_redis, ["a", "b"]) is False
    sync_redis.set("b", "ready")
    assert consumes(sync_redis, ["a", "b"]) is True


def test_a_sign_in_link_without_a_database_is_refused_in_words(data_dir):
    settings = Settings(
        _env_file=None, data_dir=data_dir, port=1, database_url=f"postgresql://riverrun@{NOBODY}/riverrun"
    )
    with pytest.raises(StackError, match="the database cannot be used"):
        Stack(settings).sign_in_link()
