#!/usr/bin/env bash
# An outage, seen in Jaeger. Uses the Jaeger that listens already (compose.yaml), or starts one of its own for as long as
# this runs, installed by scripts/backends/install.sh. Expects `npm ci && npm run build`.
# JAEGER_URL and OTEL_EXPORTER_OTLP_ENDPOINT name another Jaeger than the one on its usual ports.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$here/../.."
query=${JAEGER_URL:-http://127.0.0.1:16686}
service=${OTEL_SERVICE_NAME:-shop}

listens() { curl --silent --fail --output /dev/null "$query/api/services"; }

started=''
if ! listens; then
  programs=$(bash "$root/scripts/backends/install.sh" jaeger)
  eval "$programs"
  # Without a configuration it is all in memory, on its usual ports of the loopback interface.
  log=$(mktemp)
  "$RESILIENCE_JAEGER" >"$log" 2>&1 &
  started=$!
  trap 'kill "$started"; rm -f "$log"' EXIT
  for _ in $(seq 100); do
    listens && break
    kill -0 "$started" 2>/dev/null || { cat "$log"; exit 1; }
    sleep 0.2
  done
fi

# All there is to it: the preload, and where telemetry goes to. The rest makes a short demonstration of what takes
# minutes in production.
OTEL_SERVICE_NAME="$service" \
  OTEL_EXPORTER_OTLP_ENDPOINT="${OTEL_EXPORTER_OTLP_ENDPOINT:-http://127.0.0.1:4318}" \
  OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none \
  OTEL_RESILIENCE_CIRCUIT_BREAKER_CONSECUTIVE_FAILURES=5 \
  OTEL_RESILIENCE_CIRCUIT_BREAKER_OPEN_DURATION=2s \
  node --require "$root/dist/register.js" "$here/app.cjs"

node "$here/show.cjs" "$query" "$service"
if [ -n "$started" ] && [ -t 0 ]; then
  printf '\nJaeger listens on %s until you press Enter. ' "$query"
  read -r _
fi
