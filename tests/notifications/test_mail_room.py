"""Mail is handed in beside the requests, tried again where that may help, and never shown in the log."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest
from tests.support.fake_json_server import fake_json_server
from tests.support.fake_mail_server import KEY, fake_mail_server
from tests.support.waiting import wait_until_async

from riverrun.infra.settings import MissingSetting, Settings
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.notifications.email_helper import EmailHelper, Mail, MailRefused, open_email_helper
from riverrun.notifications.mail_room import (
    AT_A_TIME,
    LONGEST_PAUSE_SECONDS,
    MOST_UNDER_WAY,
    PATIENCE_SECONDS,
    MailRoom,
)


@dataclass
class Time:
    """A clock that only pauses move."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds

    async def pause(self, seconds: float) -> None:
        """Pauses that begin together end together."""
        end = self.seconds + seconds
        await asyncio.sleep(0)
        self.seconds = max(self.seconds, end)


def mail(subject: str = "Hello") -> Mail:
    return Mail(new_uuid(), "ann@example.org", subject, "a secret link")


async def test_a_mail_is_handed_in_as_the_server_wants_it() -> None:
    async with fake_mail_server() as fake:
        room = MailRoom(open_email_helper(fake.settings(Settings(_env_file=None))))
        async with room.running():
            sent = mail()
            room.post(sent)
        assert fake.mails == [
            {
                "from": "Riverrun <riverrun@mail.example>",
                "to": ["ann@example.org"],
                "subject": "Hello",
                "text": "a secret link",
            }
        ]
        head = fake.heads[0].lower()
        assert f"authorization: bearer {KEY}" in head
        assert f"idempotency-key: {sent.id}" in head


async def test_a_server_that_is_busy_is_asked_again_with_the_same_key() -> None:
    async with fake_mail_server(503, 429) as fake:
        room = MailRoom(open_email_helper(fake.settings(Settings(_env_file=None))), pause=Time().pause)
        async with room.running():
            room.post(mail())
            await wait_until_async(lambda: fake.mails)
        assert len(fake.heads) == 3
        assert (
            len({line for head in fake.heads for line in head.lower().split("\r\n") if "idempotency" in line})
            == 1
        )


async def test_a_burst_at_a_server_that_takes_two_a_second_is_sent_whole() -> None:
    time, taken = Time(), dict[int, int]()

    def take_two_a_second() -> int:
        second = int(time())
        taken[second] = taken.get(second, 0) + 1
        return 200 if taken[second] <= 2 else 429

    async with fake_mail_server() as fake:
        fake.decide, fake.headers = take_two_a_second, {"retry-after": "1"}
        helper = open_email_helper(fake.settings(Settings(_env_file=None)))
        room = MailRoom(helper, pause=time.pause, clock=time)
        async with room.running():
            for number in range(20):
                room.post(mail(f"mail {number}"))
            await wait_until_async(lambda: len(fake.mails) == 20)
    assert fake.most_at_once <= AT_A_TIME


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
async def test_a_refusal_of_the_moment_is_tried_again_for_two_minutes(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    time = Time()
    async with fake_mail_server() as fake:
        fake.decide = lambda: status
        helper = open_email_helper(fake.settings(Settings(_env_file=None)))
        room = MailRoom(helper, pause=time.pause, clock=time)
        async with room.running():
            room.post(mail("A subject"))
            await wait_until_async(lambda: "A subject" in caplog.text)
        tries = len(fake.heads)
    assert PATIENCE_SECONDS - LONGEST_PAUSE_SECONDS <= time.seconds <= PATIENCE_SECONDS
    assert 8 <= tries <= 16


@pytest.mark.parametrize(
    ("asked", "paused"),
    [("7", 7.0), ("0", 1.0), ("-5", 1.0), ("86400", LONGEST_PAUSE_SECONDS)],
)
async def test_a_pause_that_the_server_asks_for_is_made_within_bounds(asked: str, paused: float) -> None:
    time = Time()
    async with fake_mail_server(429) as fake:
        fake.headers = {"retry-after": asked}
        helper = open_email_helper(fake.settings(Settings(_env_file=None)))
        room = MailRoom(helper, pause=time.pause, clock=time)
        async with room.running():
            room.post(mail())
            await wait_until_async(lambda: fake.mails)
    assert time.seconds == paused


@pytest.mark.parametrize("asked", ["", "soon", "inf", "nan", "-"])
async def test_a_pause_that_cannot_be_read_is_none(asked: str) -> None:
    async with fake_mail_server(429) as fake:
        fake.headers = {"retry-after": asked}
        helper = open_email_helper(fake.settings(Settings(_env_file=None)))
        assert helper is not None
        with pytest.raises(MailRefused) as refused:
            await helper.send_email(mail())
        await helper.close()
    assert refused.value.retry_after_seconds is None


async def test_a_pause_may_be_asked_for_as_a_date() -> None:
    async with fake_mail_server(503) as fake:
        fake.headers = {"retry-after": format_datetime(now() + timedelta(hours=1), usegmt=True)}
        helper = open_email_helper(fake.settings(Settings(_env_file=None)))
        assert helper is not None
        with pytest.raises(MailRefused) as refused:
            await helper.send_email(mail())
        await helper.close()
    asked = refused.value.retry_after_seconds
    assert asked is not None
    assert asked > 1_800


async def test_a_refusal_is_final_and_told_without_a_word_of_the_mail(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with fake_mail_server(422) as fake:
        room = MailRoom(open_email_helper(fake.settings(Settings(_env_file=None))), pause=Time().pause)
        async with room.running():
            room.post(mail("A subject"))
            await wait_until_async(lambda: "A subject" in caplog.text)
        assert len(fake.heads) == 1
    assert "422" in caplog.text
    assert "secret" not in caplog.text
    assert "ann@" not in caplog.text


@pytest.mark.parametrize(
    ("url", "key"),
    [("https://mail.example:bad/emails", KEY), ("https://mail.example/emails", "clé")],
)
async def test_what_cannot_even_be_sent_is_told_once(
    caplog: pytest.LogCaptureFixture, url: str, key: str
) -> None:
    room = MailRoom(EmailHelper(httpx2.AsyncClient(), url, key, "riverrun@mail.example"), pause=Time().pause)
    async with room.running():
        room.post(mail("A subject"))
        await wait_until_async(lambda: "A subject" in caplog.text)
    assert caplog.text.count("the mail server did not take 'A subject'") == 1
    assert "secret" not in caplog.text
    assert "ann@" not in caplog.text


async def test_only_the_status_of_an_answer_is_looked_at() -> None:
    with fake_json_server() as server:
        server.body, server.headers = b"no gzip", {"content-encoding": "gzip"}
        helper = EmailHelper(httpx2.AsyncClient(), server.url, KEY, "riverrun@mail.example")
        await helper.send_email(mail())
        server.status = 422
        with pytest.raises(MailRefused, match="422"):
            await helper.send_email(mail())
        await helper.close()


async def test_without_a_server_the_log_says_that_nobody_was_told(caplog: pytest.LogCaptureFixture) -> None:
    room = MailRoom(open_email_helper(Settings(_env_file=None)))
    assert not room.is_open
    with caplog.at_level(logging.WARNING):
        room.post(mail("A subject"))
    assert "A subject" in caplog.text
    assert "secret" not in caplog.text


async def test_more_than_a_hundred_at_once_are_dropped_and_told(caplog: pytest.LogCaptureFixture) -> None:
    silent = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
    async with fake_mail_server() as fake:
        fake.url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/emails"
        room = MailRoom(open_email_helper(fake.settings(Settings(_env_file=None))))
        async with room.running():
            for number in range(MOST_UNDER_WAY + 1):
                room.post(mail(f"mail {number}"))
            silent.close()
    assert f"'mail {MOST_UNDER_WAY}' was dropped" in caplog.text
    assert caplog.text.count("dropped") == 1


@pytest.mark.parametrize(
    "given",
    [
        {"email_api_url": "https://mail.example/emails"},
        {"email_api_url": "https://mail.example/emails", "email_api_key": "k"},
        {"email_api_url": "http://mail.example/emails", "email_api_key": "k", "email_from": "r@mail.example"},
    ],
)
def test_half_a_mail_server_or_one_without_tls_is_refused_at_the_start(given: dict[str, str]) -> None:
    with pytest.raises(MissingSetting):
        open_email_helper(Settings(_env_file=None, **given))


@pytest.mark.parametrize(
    "url",
    [
        "https://mail.example:bad/emails",
        "https://mail.example:99999/emails",
        "https://mail..example/emails",
        "https://10.0.0.999/emails",
        "https://mail.example/emails\n",
        "https://:443/emails",
    ],
)
def test_an_address_to_which_nothing_can_be_sent_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(MissingSetting, match="RIVERRUN_EMAIL_API_URL"):
        open_email_helper(
            Settings(_env_file=None, email_api_url=url, email_api_key=KEY, email_from="r@mail.example")
        )


@pytest.mark.parametrize("key", ["clé", "re_fake\n", "re fake"])
def test_a_key_that_cannot_be_sent_is_refused_at_the_start_and_not_shown(key: str) -> None:
    with pytest.raises(MissingSetting, match="RIVERRUN_EMAIL_API_KEY") as refusal:
        open_email_helper(
            Settings(
                _env_file=None,
                email_api_url="https://mail.example/emails",
                email_api_key=key,
                email_from="r@mail.example",
            )
        )
    assert key not in str(refusal.value)
