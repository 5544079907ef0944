"""Where a password is looked up: here, or with the provider that keeps the passwords of people who have none here."""

from riverrun.auth.built_in_passwords import BuiltInPasswords
from riverrun.auth.identity import Identity, PasswordCheck


class PasswordDoors:
    """A ``PasswordCheck`` of both. A password that is kept here is shown to nobody else, right or wrong."""

    def __init__(self, here: BuiltInPasswords, elsewhere: PasswordCheck | None) -> None:
        self._here = here
        self._elsewhere = elsewhere

    async def check(self, email: str, password: str) -> Identity:
        """Whose they are; raises as the one who keeps them does."""
        if self._elsewhere is None or await self._here.has_one(email):
            return await self._here.check(email, password)
        return await self._elsewhere.check(email, password)
