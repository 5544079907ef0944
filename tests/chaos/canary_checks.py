"""I10 by canaries: no byte of one tenant in another's streams, answers and errors, and no secret in any log."""

from collections.abc import Iterator

from tests.chaos.answer_fold import Objection
from tests.chaos.chaos_site import APIS, ChaosSite
from tests.chaos.story import Story
from tests.support.tenant_canaries import betrayals, secrets_told
from tests.support.waiting import wait_until


def check_canaries(site: ChaosSite, story: Story) -> Iterator[Objection]:
    """The planted tenant, the account that asks, and a stranger hear nothing of each other."""

    def ask(path: str, token: str) -> str:
        answer = wait_until(
            lambda: story.call("GET", path, APIS[0], token=token), what=f"an answer to {path}"
        )
        return f"{answer.headers}\n{answer.text}"

    others = (site.token, site.stranger_token)
    words = [
        *story.run_ids,
        *story.conversations,
        *(one.script.token for one in story.questions if one.script),
    ]
    for fault in betrayals(site.tenant, ask, others, [f'"{word}' for word in words]):
        yield Objection("I10", fault)
    canary = site.tenant.canary.encode()
    for reader in story.readers:
        if any(canary in event.data for event in reader.fold.events):
            yield Objection("I10", f"a reader of {reader.run_id} was sent {site.tenant.canary}")
    logs = sorted(site.folder.rglob("*.log"))
    for fault in secrets_told((*site.tenant.secrets, *others), logs):
        yield Objection("I10", fault)
