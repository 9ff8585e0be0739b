"""OpenTelemetry: traces and metrics over OTLP/HTTP to OTEL_EXPORTER_OTLP_ENDPOINT, when it is set.

The SDK reads the other OTEL_* variables (service name, headers, sampler) by itself.
"""

from opentelemetry import metrics
from opentelemetry import trace as tracing
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from starlette.types import ASGIApp


def trace(app: ASGIApp) -> ASGIApp:
    """`app` with a span and metrics for each request; it continues the caller's trace."""
    resource = Resource.create({"service.name": "app"})
    tracer = TracerProvider(resource=resource)
    tracer.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracing.set_tracer_provider(tracer)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))
    return OpenTelemetryMiddleware(app, exclude_spans=["send", "receive"])
