import type { LoadedConfig } from '../config/load-config.ts';
import { variable } from '../config/settings.ts';
import { writeToStderr } from '../telemetry/console-logs.ts';
import { inform } from '../telemetry/diagnostics.ts';
import { PACKAGE_VERSION } from '../version.ts';
import type { SdkOutcome } from './sdk.ts';

/** Says once what has been started, for whoever has set a logger for OpenTelemetry's diagnostics, or asked for JSON. */
export function announceStart(config: LoadedConfig, sdk: SdkOutcome, env: NodeJS.ProcessEnv): void {
  const details = startDetails(config, sdk, env);
  const { mode, policies, source } = details;
  inform(
    `version ${PACKAGE_VERSION} in mode ${mode}; policies: ${policies.join(', ')} (${source}); SDK: ${details.sdk}`,
  );
  if (config.settings.log !== 'json') return;
  const line = {
    timestamp: new Date().toISOString(),
    severity: 'INFO',
    event: 'resilience.started',
    message: `started in mode ${mode}`,
    attributes: details,
  };
  writeToStderr(JSON.stringify(line));
}

interface StartDetails {
  readonly version: string;
  readonly mode: string;
  readonly policies: readonly string[];
  readonly source: string;
  readonly sdk: string;
}

function startDetails(config: LoadedConfig, sdk: SdkOutcome, env: NodeJS.ProcessEnv): StartDetails {
  const file = variable(env, 'OTEL_RESILIENCE_CONFIG_FILE');
  return {
    version: PACKAGE_VERSION,
    mode: config.rules.mode,
    policies: [...config.policies.keys()],
    source: file === undefined ? 'environment and defaults' : `file ${file}, environment and defaults`,
    sdk: sdk.kind === 'none' ? `none (${sdk.reason})` : sdk.kind,
  };
}
