import { placeholdersOf } from '../strategies/fallback/degraded-response.ts';
import type { Mode, Policy } from '../strategies/shared/policy.ts';
import { DocumentReader, type ReadDocument } from './document-reader.ts';
import { type EffectiveOption, effectiveOptions } from './effective-options.ts';
import { readEnvironment, variableName } from './environment.ts';
import { readConfigFile } from './file.ts';
import { BUILT_IN, mergeLayers, type PolicyLayer, sourceOf, withPreset } from './layers.ts';
import type { ConfigInputs, LoadedDocuments } from './load-config.ts';
import { resolvePolicy } from './options/policy.ts';
import type { HeaderNames } from './options/resolving.ts';
import type { FoundProblem, ProblemSource, Problems } from './problem.ts';
import { compileRules, findRule, readRules } from './rule-set.ts';
import { createRules, DEFAULT_MAX_UPSTREAMS } from './rules.ts';
import type { Settings } from './settings.ts';
import { camelCase, pathText } from './spelling.ts';

interface Source {
  readonly source: ProblemSource;
  readonly document: ReadDocument;
}

/** Reads every source with the schema, and puts them together. */
export function loadDocuments(
  { env, code, readFile }: Required<ConfigInputs>,
  settings: Settings,
  problems: Problems,
): LoadedDocuments {
  const file = readConfigFile(env, readFile as NonNullable<typeof readFile>, problems);
  const sources: Source[] = [];
  if (file.kind === 'document') {
    problems.locateBy(file.locate);
    sources.push({ source: 'file', document: new DocumentReader('file', problems).read(file.value) });
  }
  sources.push({ source: 'environment', document: readEnvironment(env, problems) });
  if (code !== undefined && code !== null) {
    sources.push({ source: 'code', document: new DocumentReader('code', problems).read(withoutEnabled(code)) });
  }
  const unusable = file.kind === 'unusable' || sources.some(({ document }) => document.unusable);
  return putTogether(sources, unusable, settings, problems);
}

function withoutEnabled(code: unknown): unknown {
  if (typeof code !== 'object' || code === null || Array.isArray(code)) return code;
  return Object.fromEntries(Object.entries(code).filter(([key]) => key !== 'enabled'));
}

function putTogether(
  sources: readonly Source[],
  unusable: boolean,
  settings: Settings,
  problems: Problems,
): LoadedDocuments {
  const layers = layersByPolicy(sources);
  const options = sources.map(({ document }) => document.options);
  const headerNames: HeaderNames = {
    // Of all sources together: what one calls a credential is not to become none by another.
    credentials: new Set(options.flatMap((of) => of.credential_headers ?? [])),
    requestId: options.findLast((of) => of.request_id_header !== undefined)?.request_id_header || undefined,
  };
  const policies = new Map<string, Policy>();
  for (const [name, of] of layers) policies.set(name, resolve(name, of, headerNames, problems));
  invalidateByCredentials(policies, problems);
  // What stands in code is asked first: it has the last word everywhere else, too.
  const rules = readRules(
    sources.toReversed().flatMap(({ document }) => document.rules),
    new Set([...layers.keys(), ...problems.invalid]),
    problems,
  );
  for (const [name, policy] of policies) {
    checkTemplates(
      policy,
      rules.filter((rule) => rule.policy === name),
      layers.get(name) ?? [],
      problems,
    );
  }
  if (unusable) policies.delete('default');
  for (const name of [...policies.keys()]) if (problems.invalidates(name)) policies.delete(name);
  return {
    rules: createRules({
      mode: effectiveMode(sources, settings, problems),
      maxUpstreams: options.findLast((of) => of.upstreams?.max !== undefined)?.upstreams?.max ?? DEFAULT_MAX_UPSTREAMS,
      rules: compileRules(rules, policies),
      defaultPolicy: policies.get('default'),
    }),
    policies,
    requestIdHeader: headerNames.requestId,
    explain(name): EffectiveOption[] {
      const policy = policies.get(name);
      return policy === undefined ? [] : effectiveOptions(policy, layers.get(name) ?? []);
    },
    ruleFor: (origin, method, path) => findRule(rules, origin, method, path),
  };
}

/** Without a list of credentials that was meant to be there, nothing may be shared among callers or sent elsewhere. */
function invalidateByCredentials(policies: ReadonlyMap<string, Policy>, problems: Problems): void {
  if (!problems.includes('credentials_unknown')) return;
  for (const [name, { fallback }] of policies) {
    if (fallback?.cache !== undefined || (fallback?.endpoints ?? []).length > 0) problems.withoutCredentials(name);
  }
}

/** The layers of each policy, lowest first. A `default` in file or code replaces the built-in one. */
function layersByPolicy(sources: readonly Source[]): Map<string, readonly PolicyLayer[]> {
  const layers = new Map<string, PolicyLayer[]>([['default', []]]);
  for (const { source, document } of sources) {
    for (const [name, policy] of document.policies) {
      const known = layers.get(name) ?? [];
      layers.set(name, [...known, { source, policy }]);
    }
  }
  const ofDefault = layers.get('default') ?? [];
  if (ofDefault.every(({ source }) => source === 'environment')) layers.set('default', [BUILT_IN, ...ofDefault]);
  return new Map([...layers].map(([name, of]) => [name, withPreset(of)]));
}

function resolve(name: string, layers: readonly PolicyLayer[], headerNames: HeaderNames, problems: Problems): Policy {
  return resolvePolicy(name, mergeLayers(layers), headerNames, (path, message) => {
    problems.add({ ...placeOf(name, layers, path), message }, { kind: 'policy_off', policy: name });
  });
}

/** The source that said it last, and the path as that source spells it. */
function placeOf(
  policy: string,
  layers: readonly PolicyLayer[],
  path: readonly string[],
): Omit<FoundProblem, 'message'> & { readonly path: string } {
  const found = sourceOf(layers, path);
  const source = found === 'default' || found === 'preset' ? (layers.at(-1)?.source ?? 'file') : found;
  if (source === 'environment') return { path: variableName(path), source };
  const keys = ['policies', policy, ...(source === 'code' ? path.map(camelCase) : path)];
  return { path: pathText(keys), keys, source: source === 'code' ? source : 'file' };
}

/** Every rule that leads to the policy must have a pattern with the parameters that its degraded response names. */
function checkTemplates(
  policy: Policy,
  rules: ReturnType<typeof readRules>,
  layers: readonly PolicyLayer[],
  problems: Problems,
): void {
  const { response } = policy.fallback ?? {};
  if (response === undefined) return;
  for (const { source, name, at } of placeholdersOf(response)) {
    const lacking = rules.find(({ pattern }) => pattern?.names.includes(name) !== true);
    if (source !== 'path' || (lacking === undefined && policy.name !== 'default')) continue;
    const where = lacking === undefined ? 'calls that no rule matches' : lacking.path;
    const message = `\${path.${name}} names a parameter that the URL pattern of ${where} does not have`;
    const [option = at] = at.split('.', 1);
    const place = placeOf(policy.name, layers, ['fallback', 'response', option]);
    const inside = place.source === 'environment' ? '' : at.slice(option.length);
    problems.add({ ...place, path: place.path + inside, message }, { kind: 'policy_off', policy: policy.name });
  }
}

/** A mode that is none of the two counts as `observe`: whoever mistyped it may have meant the harmless one. */
function effectiveMode(sources: readonly Source[], settings: Settings, problems: Problems): Mode {
  const said = ({ source, document }: Source): Mode | undefined => {
    if (source === 'environment') return settings.mode;
    const wrong = problems.list.some((problem) => problem.source === source && problem.path === 'mode');
    return wrong ? 'observe' : document.options.mode;
  };
  return sources.map(said).findLast((mode) => mode !== undefined) ?? 'enforce';
}
