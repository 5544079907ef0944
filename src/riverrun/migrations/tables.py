"""All tables there are: importing this fills ``Base.metadata``."""

import riverrun.auth.api_keys
import riverrun.auth.models
import riverrun.conversations.models
import riverrun.conversations.session_names
import riverrun.parsing.models
import riverrun.runs.models
import riverrun.runs.tool_records
import riverrun.users.models  # noqa: F401
from riverrun.infra.database import Base

metadata = Base.metadata
