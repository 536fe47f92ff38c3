import { DEFAULT_MAX_UPSTREAMS } from '../rules.ts';
import { type ListOption, type MapOption, section, type Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import { policyOptions } from './policy.ts';

const MAX_RULES = 1_000;

const ruleOptions = {
  name: is.label({ description: 'Makes one upstream, of this name, of all that the rule matches.' }),
  match: section(
    {
      url: is.text(
        { max: 2_048 },
        { description: 'URL Pattern such as https://api.example.com/users/:id, or unix:<path of the socket>.' },
      ),
      methods: is.methods('leave `methods` out for all methods', { description: 'Only these methods. Left out: all.' }),
    },
    { description: 'Which calls the rule is for.' },
  ),
  policy: is.text({ max: 200 }, { description: 'The name of a policy, or `none` to leave these calls alone.' }),
};

/** Names of policies are any text but the one that means no policy. */
const policyName = is.textKind(/^(?!none$)[^\p{Cc}\s](?:[^\p{Cc}]{0,98}[^\p{Cc}\s])?$/u, {
  expects: '1 to 100 characters on one line, not none',
  brief: '1 to 100 characters',
});

export type RuleInput = Values<typeof ruleOptions>;

export const documentOptions = {
  mode: is.choice(['enforce', 'observe'], {
    description: '`observe` decides and records what it would have done, and changes nothing.',
    default: 'enforce',
  }),
  policies: {
    form: 'map',
    options: policyOptions,
    name: policyName,
    items: 'policies',
    each: 'A named set of strategies.',
    description: 'Policies by name. `default` applies where no rule matches; left out: a circuit breaker.',
  } as MapOption<typeof policyOptions>,
  rules: {
    form: 'list',
    options: ruleOptions,
    max: MAX_RULES,
    items: 'rules',
    each: 'Which calls get which policy.',
    required: ['match', 'policy'],
    description: 'The first rule that matches decides.',
  } as ListOption<typeof ruleOptions>,
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

export type DocumentInput = Values<typeof documentOptions>;
