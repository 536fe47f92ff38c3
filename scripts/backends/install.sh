#!/usr/bin/env bash
# Makes sure that a real Jaeger, OpenTelemetry Collector and Prometheus are there, for `npm run test:backends` and
# examples/jaeger. Installs nothing system-wide: what is not on PATH is built or unpacked into a cache outside the
# checkout, once. Progress goes to stderr; stdout is one `export NAME=PATH` line for each program, to be evaluated.
#
#   scripts/backends/install.sh [jaeger] [collector] [prometheus]     all of them without an argument
#
# From a cold machine with 2 idle cores: Jaeger about 6 minutes, the Collector about 3, Prometheus some seconds from Debian's
# package (else about 5 minutes from source). On 2 busy cores Jaeger and the Collector took 13 minutes together. A line every
# half a minute says what is being built and for how long. Needs Go for what it builds.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${RESILIENCE_CI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/opentelemetry-instrumentation-resilience}/backends"

# Jaeger 2.13.0; its Go module counts on from 1.
JAEGER_MODULE=github.com/jaegertracing/jaeger
JAEGER_VERSION=v1.76.0
COLLECTOR_VERSION=v0.155.0
PROMETHEUS_MODULE=github.com/prometheus/prometheus
PROMETHEUS_VERSION=v0.316.0

# on_path NAME: the program's file. `command -v` would find functions of this script too.
on_path() { type -P "$1"; }

say() { printf 'backends: %s\n' "$*" >&2; }

need_go() {
  on_path go >/dev/null && return
  say "Go is needed to build $1: install it, or put $1 on PATH"
  exit 1
}

# patiently NAME COMMAND…: runs it, and says every half a minute that it still runs. Go says nothing for minutes.
patiently() {
  local name=$1 began=$SECONDS status=0 ticker
  shift
  (
    # Holds neither the lock nor the output that somebody waits for.
    exec 9>&- 1>&2 8<> <(:)
    # Waits without a process of its own, which would be left behind.
    while ! read -r -t "${RESILIENCE_PROGRESS_S:-30}" -u 8; do say "$name: still building, $((SECONDS - began)) s so far"; done
  ) &
  ticker=$!
  "$@" 1>&2 || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  [ "$status" -ne 0 ] || say "$name: built in $((SECONDS - began)) s"
  return "$status"
}

# At low priority, for the others of this machine; and without a workspace, which modules bring along in part only.
go_build() { nice -n 10 env GOFLAGS="${GOFLAGS:-} -buildvcs=false" GOWORK=off go "$@"; }

# A module's own source at its own versions: its go.mod may hold replacements, which `go install` refuses.
unpack_module() {
  local module=$1 version=$2 into=$3 dir
  dir=$(cd "$cache" && go mod download -json "$module@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  [ -n "$dir" ] || { say "$module@$version is not to be had from the Go module proxy"; exit 1; }
  rm -rf "$into"
  cp -R "$dir" "$into"
  chmod -R u+w "$into"
}

# keep NAME VERSION FILE: a build that was interrupted is never taken for a finished one.
keep() { mv -f "$3" "$cache/bin/$1-$2"; }

install_jaeger() {
  # The first major version has no OTLP-native storage and other flags.
  local found binary="$cache/bin/jaeger-$JAEGER_VERSION"
  if found=$(on_path jaeger) && "$found" version 2>/dev/null | grep -q '"gitVersion":"v2'; then
    say "Jaeger: the one on PATH"
    printf 'export RESILIENCE_JAEGER=%q\n' "$found"
    return
  fi
  if [ ! -x "$binary" ]; then
    need_go jaeger
    say "Jaeger: building $JAEGER_MODULE $JAEGER_VERSION, about 6 minutes on 2 idle cores, longer on busy ones"
    unpack_module "$JAEGER_MODULE" "$JAEGER_VERSION" "$cache/src/jaeger"
    (cd "$cache/src/jaeger" && patiently Jaeger go_build build -ldflags='-s -w' -o "$cache/src/jaeger.new" ./cmd/jaeger)
    keep jaeger "$JAEGER_VERSION" "$cache/src/jaeger.new"
    rm -rf "$cache/src/jaeger"
  fi
  say "Jaeger: $binary"
  printf 'export RESILIENCE_JAEGER=%q\n' "$binary"
}

collector_fits() {
  local components
  components=$("$1" components 2>/dev/null) || return 1
  for name in otlp debug prometheus; do grep -qE "name: $name\$" <<<"$components" || return 1; done
  grep -qE 'name: otlp_?http$' <<<"$components"
}

install_collector() {
  local name found
  for name in otelcol otelcol-contrib; do
    if found=$(on_path "$name") && collector_fits "$found"; then
      say "Collector: $name on PATH"
      printf 'export RESILIENCE_COLLECTOR=%q\n' "$found"
      return
    fi
  done
  # Another manifest is another program.
  local manifest version
  manifest=$(cksum <"$here/collector.yaml" | cut -d ' ' -f 1)
  version="$COLLECTOR_VERSION-$manifest"
  local binary="$cache/bin/otelcol-$version" work="$cache/src/collector"
  if [ ! -x "$binary" ]; then
    need_go otelcol
    say "Collector: building $COLLECTOR_VERSION with the Collector builder, about 3 minutes on 2 idle cores, longer on busy ones"
    rm -rf "$work"
    mkdir -p "$work"
    cp "$here/collector.yaml" "$work/"
    (
      cd "$work"
      GOBIN="$work" patiently "Collector builder" go_build install "go.opentelemetry.io/collector/cmd/builder@$COLLECTOR_VERSION"
      patiently Collector nice -n 10 env GOFLAGS="${GOFLAGS:-} -buildvcs=false" GOWORK=off ./builder --config collector.yaml
    )
    keep otelcol "$version" "$work/out/otelcol"
    rm -rf "$work"
  fi
  say "Collector: $binary"
  printf 'export RESILIENCE_COLLECTOR=%q\n' "$binary"
}

# Debian's package, unpacked but not installed: no service is started and no root is needed.
prometheus_from_debian() {
  local into=$1 work="$cache/src/prometheus-deb"
  on_path apt-get >/dev/null && on_path dpkg-deb >/dev/null || return 1
  rm -rf "$work"
  mkdir -p "$work"
  if ! (cd "$work" && apt-get -o APT::Sandbox::User=root download prometheus) >&2; then
    # A fresh machine has no package lists.
    [ "$(id -u)" -eq 0 ] || return 1
    apt-get update -qq >&2 && (cd "$work" && apt-get -o APT::Sandbox::User=root download prometheus) >&2 || return 1
  fi
  dpkg-deb -x "$work"/prometheus_*.deb "$work/root" || return 1
  mkdir -p "$into.new"
  mv -f "$work/root/usr/bin/prometheus" "$work/root/usr/bin/promtool" "$into.new/"
  rm -rf "$work"
  mv "$into.new" "$into"
}

prometheus_from_source() {
  local into=$1 work="$cache/src/prometheus"
  need_go prometheus
  say "Prometheus: building $PROMETHEUS_MODULE $PROMETHEUS_VERSION, about 5 minutes on 2 idle cores, longer on busy ones"
  unpack_module "$PROMETHEUS_MODULE" "$PROMETHEUS_VERSION" "$work"
  rm -rf "$into.new"
  mkdir -p "$into.new"
  # Only targets from its file are needed, not the service discovery of every cloud.
  (cd "$work" && patiently Prometheus go_build build -tags remove_all_sd -ldflags='-s -w' -o "$into.new/" ./cmd/prometheus ./cmd/promtool)
  rm -rf "$work"
  mv "$into.new" "$into"
}

install_prometheus() {
  local server tool home="$cache/prometheus"
  if server=$(on_path prometheus) && tool=$(on_path promtool); then
    say "Prometheus: the one on PATH"
  else
    server="$home/prometheus" tool="$home/promtool"
    if [ ! -x "$server" ] || [ ! -x "$tool" ]; then
      rm -rf "$home" "$home.new"
      say "Prometheus: unpacking Debian's package"
      prometheus_from_debian "$home" || prometheus_from_source "$home"
    fi
    say "Prometheus: $server"
  fi
  printf 'export RESILIENCE_PROMETHEUS=%q\nexport RESILIENCE_PROMTOOL=%q\n' "$server" "$tool"
}

mkdir -p "$cache/bin" "$cache/src"
# Two at a time would build in each other's folders.
if on_path flock >/dev/null; then
  exec 9>"$cache/.lock"
  flock -n 9 || { say "waiting for another installation"; flock 9; }
fi
[ $# -gt 0 ] || set -- jaeger collector prometheus
for program in "$@"; do
  case $program in
    jaeger) install_jaeger ;;
    collector) install_collector ;;
    prometheus) install_prometheus ;;
    *) say "unknown: $program"; exit 2 ;;
  esac
done
