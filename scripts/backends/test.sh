#!/usr/bin/env bash
# The telemetry against a real Jaeger, Collector and Prometheus, all on loopback, on ports that are free. Installs them first
# (see install.sh), which takes 10 minutes and more once; the tests themselves take about one. Expects a built checkout. The last
# line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

programs=$(timeout 1800 bash scripts/backends/install.sh)
eval "$programs"
# Not the suite of .mocharc.json, which needs no backends.
exec timeout --kill-after=20 300 node node_modules/mocha/bin/mocha.js --no-config --node-option enable-source-maps \
  --reporter build/test/support/summary-reporter.js --timeout 40000 --fail-zero --forbid-only --forbid-pending \
  'build/test/backends/*.live.js'
