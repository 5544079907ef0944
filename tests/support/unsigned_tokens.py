"""ID tokens as a Firebase emulator makes them: signed by nobody."""

import base64
import json
from typing import Any

from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid

DEMO_PROJECT = "demo-riverrun"


def unsigned_token(project_id: str, **changed: Any) -> str:
    """A good one, of somebody new; a value of None leaves a claim out."""
    uid, moment = str(new_uuid()), int(now().timestamp())
    claims = {
        "iss": f"https://securetoken.google.com/{project_id}",
        "aud": project_id,
        "sub": uid,
        "iat": moment,
        "exp": moment + 300,
        "email": f"{uid}@example.org",
        "email_verified": True,
        **changed,
    }
    said = {name: value for name, value in claims.items() if value is not None}
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(said)}."


def _part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
