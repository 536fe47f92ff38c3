import { z } from 'zod';
import { DEFAULT_MAX_UPSTREAMS } from '../rules.ts';
import { option, section } from './option.ts';
import { policyOptions, policySchema } from './policy.ts';
import * as is from './values.ts';

const MAX_RULES = 1_000;

const ruleOptions = {
  name: is.label({ description: 'Makes one upstream, of this name, of all that the rule matches.' }),
  match: section(
    {
      url: is.text(
        { max: 2_048 },
        { description: 'URL Pattern such as https://api.example.com/users/:id, or unix:<path of the socket>.' },
      ),
      methods: is.methods({ description: 'Only these methods. Left out: all.' }),
    },
    { description: 'Which calls the rule is for.' },
  ),
  policy: is.text({ max: 200 }, { description: 'The name of a policy, or `none` to leave these calls alone.' }),
};

const rule = section(ruleOptions, { description: 'Which calls get which policy.' });

export type RuleInput = NonNullable<z.output<typeof rule>>;

/** Names of policies are any text but the one that means no policy. */
const policyName = z.string().regex(/^(?!none$)[^\p{Cc}\s](?:[^\p{Cc}]{0,98}[^\p{Cc}\s])?$/u);

export const documentOptions = {
  mode: is.choice(['enforce', 'observe'], {
    description: '`observe` decides and records what it would have done, and changes nothing.',
    default: 'enforce',
  }),
  policies: option(
    z.record(policyName, policySchema.unwrap()),
    { description: 'Policies by name. `default` applies where no rule matches; left out: a circuit breaker.' },
    {
      form: { kind: 'named', name: policyName, item: policyOptions },
      expects: 'a map of policies by name (1 to 100 characters on one line, not none)',
    },
  ),
  rules: option(
    z.array(rule.unwrap()).max(MAX_RULES),
    { description: 'The first rule that matches decides.' },
    { form: { kind: 'sections', item: ruleOptions, max: MAX_RULES }, expects: `a list of at most ${MAX_RULES} rules` },
  ),
  upstreams: section(
    {
      max: is.count(
        { min: 1, max: 1_000_000 },
        { description: 'Most upstreams whose state is kept.', default: DEFAULT_MAX_UPSTREAMS },
      ),
    },
    { description: 'Limits of what is kept in memory.' },
  ),
  credential_headers: is.headerNames({
    description:
      'Request headers that name the caller, besides those whose names tell (authorization, cookie, x-api-key, ...).',
    default: [],
  }),
  request_id_header: is.headerNameOrOff({
    description:
      'The header with the id of a request: taken from incoming requests, told in telemetry, added to outgoing calls.',
    default: 'off',
  }),
};

export const documentSchema = section(documentOptions, {
  description: 'Configuration of opentelemetry-instrumentation-resilience.',
});

export type DocumentInput = NonNullable<z.output<typeof documentSchema>>;
