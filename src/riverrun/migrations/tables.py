"""All tables there are: importing this fills ``Base.metadata``."""

import riverrun.auth.api_keys
import riverrun.auth.grants
import riverrun.auth.identity_links
import riverrun.auth.models
import riverrun.auth.passwords
import riverrun.auth.revocations
import riverrun.auth.spent_id_tokens
import riverrun.conversations.models
import riverrun.conversations.session_names
import riverrun.parsing.models
import riverrun.runs.models
import riverrun.runs.tool_records
import riverrun.usage.models
import riverrun.users.invitations
import riverrun.users.models
import riverrun.users.organisations  # noqa: F401
from riverrun.infra.database import Base

metadata = Base.metadata
