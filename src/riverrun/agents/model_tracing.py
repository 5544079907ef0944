"""A model whose requests, and the tools that it calls, are spans. What anybody wrote is in none of them."""

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import TracerProvider
from pydantic_ai.models import Model
from pydantic_ai.models.instrumented import InstrumentationSettings, InstrumentedModel


def traced(model: Model, provider: TracerProvider) -> Model:
    """The same model; its spans say names, tokens and durations."""
    return InstrumentedModel(
        model,
        InstrumentationSettings(
            tracer_provider=provider,
            meter_provider=NoOpMeterProvider(),
            include_content=False,
            include_binary_content=False,
            include_model_request_parameters=False,
        ),
    )
