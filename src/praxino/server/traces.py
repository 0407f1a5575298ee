"""Traces of requests for OpenTelemetry: sent where OTEL_EXPORTER_OTLP_ENDPOINT says, else not made."""

import os


def install() -> None:
    """From now on FastAPI's own spans go there. Raises ValueError where what sends them is not installed."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ValueError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but traces need more: pip install 'praxino[telemetry]'"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "praxino"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
