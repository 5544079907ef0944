"""Plans: how much somebody may ask, as the operator writes it down."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[int, Field(ge=0, le=2**62, strict=True)]


class Plan(BaseModel):
    """The most that may be asked in a UTC day or month; none: without a limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    questions_per_day: Amount | None = None
    questions_per_month: Amount | None = None
    tokens_per_day: Amount | None = None
    tokens_per_month: Amount | None = None


UNLIMITED = Plan()
