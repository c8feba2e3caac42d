import { type Trace, untraced } from '../../machinery/trace.ts';

export interface Traces {
  readonly trace: Trace;
  /** Sends what is left. */
  close(): Promise<void>;
}

/** A collector that is gone must not hold up the end. */
const LAST_SEND_MS = 3_000;

/**
 * Spans of passes and of the calls they make, sent to the OTLP endpoint that the environment names (OTEL_EXPORTER_OTLP_ENDPOINT; the
 * other variables of OpenTelemetry count as well). Without one nothing is loaded, measured or sent.
 */
export async function openTraces(
  env: Readonly<Record<string, string | undefined>>,
  version: string,
): Promise<Traces> {
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const own = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  if (!base && !own) return { trace: untraced, close: async () => {} };
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, { SpanStatusCode }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/api'),
    ]);
  const url = own ?? `${String(base).replace(/\/$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: LAST_SEND_MS });
  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  provider.register();
  const tracer = provider.getTracer('bastion-controller', version);
  const trace: Trace = (name, attributes, work) =>
    tracer.startActiveSpan(name, { attributes }, async (span) => {
      try {
        return await work();
      } catch (error) {
        // The name only: what AWS says of an error may quote what it was about.
        span.setStatus({
          code: SpanStatusCode.ERROR,
          message: error instanceof Error ? error.name : 'Error',
        });
        throw error;
      } finally {
        span.end();
      }
    });
  return { trace, close: () => provider.shutdown() };
}
