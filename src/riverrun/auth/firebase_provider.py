"""Firebase Authentication (Google Identity Platform) as an identity provider: ID tokens that its client libraries get."""

from riverrun.auth.id_tokens import Claims, Expectation, header_of, unsigned_claims, verified_claims
from riverrun.auth.identity import Identity
from riverrun.auth.person_claims import email_in, is_vouched_for, name_in
from riverrun.auth.provider_documents import ProviderDocuments
from riverrun.infra.settings import MissingSetting, Settings

FIREBASE = "firebase"
KEYS_URL = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
DEMO_PREFIX = "demo-"
"""Projects of this name exist in emulators alone: nobody there is anybody elsewhere."""


class FirebaseProvider:
    """An ``IdentityProvider`` for the users of one Firebase project, by whatever way they sign in there."""

    def __init__(self, project_id: str, documents: ProviderDocuments, *, is_emulated: bool = False) -> None:
        self._documents = documents
        self._is_emulated = is_emulated
        self._expected = Expectation(
            f"https://securetoken.google.com/{project_id}", project_id, algorithms=("RS256",)
        )

    @property
    def provider_type(self) -> str:
        """Firebase's uid names a person, whatever they signed in with there: so there is one type."""
        return FIREBASE

    @property
    def label(self) -> str:
        """What people call it."""
        return "Firebase"

    async def identify(self, id_token: str) -> Identity:
        """Whom a token names that somebody brings."""
        claims = await self._claims(id_token)
        email = email_in(claims)
        return Identity(
            provider_type=FIREBASE,
            provider_uid=claims["sub"],
            email=email,
            email_verified=email is not None and is_vouched_for(claims),
            display_name=name_in(claims),
            data={"label": self.label, "email": email, "name": name_in(claims)},
        )

    async def _claims(self, id_token: str) -> Claims:
        if self._is_emulated:
            return unsigned_claims(id_token, self._expected)
        key_id = header_of(id_token).get("kid")
        keys = await self._documents.keys(KEYS_URL, key_id if isinstance(key_id, str) else None)
        return verified_claims(id_token, keys, self._expected)


def open_firebase(settings: Settings, documents: ProviderDocuments) -> FirebaseProvider | None:
    """What the settings name; none when they name no project. Raises MissingSetting for an emulator of a real project."""
    refuse_emulator_of_real_project(settings)
    if settings.firebase_project_id is None:
        return None
    is_emulated = settings.firebase_emulator is not None
    return FirebaseProvider(settings.firebase_project_id, documents, is_emulated=is_emulated)


def refuse_emulator_of_real_project(settings: Settings) -> None:
    """Raise MissingSetting for an emulator, whose tokens nobody signs, of a project that may be a real one."""
    if settings.firebase_emulator and not (settings.firebase_project_id or "").startswith(DEMO_PREFIX):
        raise MissingSetting(
            "RIVERRUN_FIREBASE_EMULATOR is set: RIVERRUN_FIREBASE_PROJECT_ID must begin with demo- then"
        )
