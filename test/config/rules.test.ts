import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { URLPattern } from 'urlpattern-polyfill/urlpattern';
import type { RuleConfig } from '../../src/config/config-types.ts';
import { readTarget } from '../../src/config/request-target.ts';
import { compileCallPattern } from '../../src/config/url-pattern.ts';
import { basicsOf, loadCode, originOf } from './harness.ts';

function load(...rules: unknown[]) {
  return loadCode({ policies: { a: {}, b: {} }, rules });
}

/** The policy of a call, `none` where it is left alone. */
function policyFor(rules: unknown[], url: string, method = 'GET', path = '/'): string {
  const config = load(...rules);
  assert.deepEqual(config.problems, []);
  const origin = config.rules.forOrigin(originOf(url));
  const matched = origin.match(method, path);
  if (origin.fixed !== undefined) assert.equal(origin.fixed.assignment, matched, 'fixed is what match says');
  return matched?.policy.name ?? 'none';
}

const rule = (url: string, policy = 'a', methods?: string[]): RuleConfig => ({ match: { url, methods }, policy });

describe('the URL of a rule', () => {
  for (const [url, origin, path, matches] of [
    ['https://api.example.com', 'https://api.example.com', '/any/path?q=1', true],
    ['https://api.example.com/', 'https://api.example.com', '/any', false],
    ['https://api.example.com/*', 'https://api.example.com', '/any/path', true],
    ['https://api.example.com', 'http://api.example.com', '/', false],
    ['https://api.example.com', 'https://api.example.com:8443', '/', false],
    ['https://api.example.com:443/*', 'https://api.example.com', '/', true],
    ['http://api.example.com:80', 'http://api.example.com', '/', true],
    ['https://api.example.com:*', 'https://api.example.com:8443', '/', true],
    ['https://api.example.com:*', 'https://api.example.com', '/', true],
    ['http{s}?://api.example.com/*', 'https://api.example.com', '/', true],
    ['*://*:*/*', 'http://anything.example:81', '/x', true],
    ['http://*/*', 'http://anything.example:81', '/x', false],
    ['https://*.example.com/*', 'https://api.example.com', '/', true],
    ['https://*.example.com/*', 'https://example.com', '/', false],
    ['HTTPS://API.Example.com/*', 'https://api.example.com', '/', true],
    ['http://[::1]:9200/*', 'http://[::1]:9200', '/', true],
    ['http://[::1]:9200/*', 'http://[::2]:9200', '/', false],
    ['http://127.0.0.1/*', 'http://127.0.0.1', '/', true],
    ['https://a.example/users/:id', 'https://a.example', '/users/7', true],
    ['https://a.example/users/:id', 'https://a.example', '/users/7?full=1', true],
    ['https://a.example/users/:id', 'https://a.example', '/users/', false],
    ['https://a.example/users/:id', 'https://a.example', '/users/7/orders', false],
    ['https://a.example/users/:id?', 'https://a.example', '/users', true],
    ['https://a.example/users/:id(\\d+)', 'https://a.example', '/users/seven', false],
    ['https://a.example/users/:id(\\d+)', 'https://a.example', '/users/7', true],
    ['https://a.example/users\\?full=:x', 'https://a.example', '/users?full=1', true],
    ['https://a.example/users\\?full=:x', 'https://a.example', '/users?short=1', false],
    ['https://a.example/a%20b', 'https://a.example', '/a%20b', true],
    ['https://a.example/b', 'https://a.example', '/a/../b', true],
    ['https://a.example/', 'https://a.example', '//b', false],
    ['https://a.example/{/}?b', 'https://a.example', '//b', true],
    ['http://a.example/x', 'http://a.example', 'http://b.example/x?y', true],
    ['http://a.example/x', 'http://a.example', '*', false],
    ['http://a.example/x', 'http://a.example', 'b.example:443', false],
    ['http://a.example/*', 'http://a.example', '*', true],
    ['http://a.example/x*', 'http://a.example', `/x${'y'.repeat(9_000)}`, false],
    ['http://a.example/*', 'http://a.example', `/x${'y'.repeat(9_000)}`, true],
    ['unix:/var/run/docker.sock', 'unix:/var/run/docker.sock', '/v1/info', true],
    ['unix:/var/run/docker.sock', 'unix:/var/run/other.sock', '/', false],
    ['unix:*', 'unix:/var/run/other.sock', '/', true],
    ['unix:*', 'http://a.example', '/', false],
    ['*://*:*/*', 'unix:/var/run/docker.sock', '/', false],
  ] as const) {
    const shown = path.length > 50 ? `${path.slice(0, 10)}…` : path;
    it(`${url} ${matches ? 'matches' : 'does not match'} ${origin} ${shown}`, () => {
      assert.equal(policyFor([rule(url)], origin, 'GET', path), matches ? 'a' : 'default');
    });
  }

  it('says the same of a path as the URL pattern itself, by the short way too', () => {
    const piece = fc.constantFrom('/', 'a', 'b1', '.', '-', ':id', '*', '~', '%20', ':x');
    const pathPiece = fc.constantFrom('/', 'a', 'b1', '.', '-', '~', '%20', 'é', ' ', '//', '..', '?', 'x');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), fc.array(pathPiece, { maxLength: 8 }), (pieces, paths) => {
        const [pattern, path] = [`/${pieces.join('')}`, `/${paths.join('')}`];
        let expected: boolean;
        let compiled: ReturnType<typeof compileCallPattern>;
        try {
          compiled = compileCallPattern(`http://a${pattern}`);
          if (new URL(`http://a${path}`).pathname.startsWith('//')) return; // where the library itself is wrong
          expected = new URLPattern(`http://a${pattern}`).test(`http://a${path}`);
        } catch {
          return;
        }
        assert.equal(compiled.matchesPath?.(path) ?? true, expected, `${pattern} ${path}`);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the target of a request', () => {
  it('is read as the URL standard reads it, by the short way too', () => {
    const piece = fc.constantFrom('/', 'a', '.', '..', '?', '#', '%2e', "'", ' ', 'é', '=', '&', '%', '/./');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = `/${pieces.join('')}`;
        const { pathname, search } = new URL(`http://localhost${path}`);
        assert.deepEqual(readTarget(path), { pathname, search: search.slice(1) }, path);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('rules', () => {
  it('are asked in their order', () => {
    const rules = [rule('http://x/a/*', 'a'), rule('http://x/*', 'b')];
    assert.equal(policyFor(rules, 'http://x', 'GET', '/a/1'), 'a');
    assert.equal(policyFor(rules, 'http://x', 'GET', '/b'), 'b');
    assert.equal(policyFor([...rules].reverse(), 'http://x', 'GET', '/a/1'), 'b');
  });

  it('are for all methods, or for some', () => {
    const rules = [rule('http://x', 'a', ['get', 'PUT'])];
    assert.equal(policyFor(rules, 'http://x', 'GET'), 'a');
    assert.equal(policyFor(rules, 'http://x', 'PUT'), 'a');
    assert.equal(policyFor(rules, 'http://x', 'POST'), 'default');
  });

  it('may name methods only, and are for sockets then too', () => {
    const rules = [{ match: { methods: ['POST'] }, policy: 'none' }];
    for (const url of ['http://x', 'unix:/x']) {
      assert.equal(policyFor(rules, url, 'POST'), 'none');
      assert.equal(policyFor(rules, url, 'GET'), 'default');
    }
  });

  it('are settled by the origin where path and method make no difference', () => {
    const { rules } = load(rule('http://x/a', 'a'), rule('http://y', 'b'), rule('http://y/a', 'a'));
    const fixed = (url: string) => rules.forOrigin(originOf(url)).fixed;
    assert.equal(fixed('http://x'), undefined);
    assert.equal(fixed('http://y')?.assignment?.policy.name, 'b');
    assert.equal(fixed('http://z')?.assignment?.policy.name, 'default');
  });

  it('give the same assignment to every call, so that nothing is made on the way', () => {
    const { rules } = load(rule('http://x/:a', 'a'));
    const first = rules.forOrigin(originOf('http://x')).match('GET', '/1');
    assert.equal(rules.forOrigin(originOf('http://x')).match('GET', '/2'), first);
  });

  it('may share a name where they share a policy', () => {
    const config = load({ name: 'n', ...rule('http://x') }, { name: 'n', ...rule('http://y') });
    assert.deepEqual(config.problems, []);
    assert.equal(config.rules.forOrigin(originOf('http://y')).fixed?.assignment?.upstream, 'n');
  });
});

describe('groups', () => {
  const groups = (pattern: string, url: string) => ({ ...compileCallPattern(pattern).groups(url) });

  for (const [pattern, url, expected] of [
    ['https://a/users/:id', 'https://a/users/a%20b%2Fc?x=1', { id: 'a b/c' }],
    ['https://a/users/:id', 'https://a/users/100%', { id: '100%' }],
    ['https://:tenant.example/users/:id', 'https://acme.example/users/1', { tenant: 'acme', id: '1' }],
    ['https://a/:x/*', 'https://a/1/2', { x: '1' }],
    ['https://a/users/:id', 'https://b/users/1', {}],
    ['https://a/users/:id', 'no url', {}],
    ['https://a/:__proto__', 'https://a/x', {}],
    ['unix:/a', 'http://a/', {}],
    ['http://[::1]:80/:id', 'http://[::1]/7', { id: '7' }],
  ] as const) {
    it(`of ${pattern} in ${url} are ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(groups(pattern, url), { ...expected });
    });
  }
});

describe('a rule that is wrong', () => {
  for (const [what, wrong, path, message] of [
    ['no match', { policy: 'a' }, 'rules[0].match', 'expected a url, methods or both'],
    ['an empty match', { match: {}, policy: 'a' }, 'rules[0].match', 'expected a url, methods or both'],
    ['no policy', { match: { url: 'http://x' } }, 'rules[0].policy', 'expected the name of a policy, or none'],
    [
      'an unknown policy',
      rule('http://x', 'c'),
      'rules[0].policy',
      'there is no policy "c": expected one of default, a, b, none',
    ],
    [
      'a misspelt policy',
      rule('http://x', 'defualt'),
      'rules[0].policy',
      'there is no policy "defualt": expected one of default, a, b, none (did you mean default?)',
    ],
    [
      'no methods in the list',
      rule('http://x', 'a', []),
      'rules[0].match.methods',
      'expected a list of HTTP methods such as GET, got an empty list: leave `methods` out for all methods',
    ],
    [
      'an empty name',
      { name: '', ...rule('http://x') },
      'rules[0].name',
      'expected a name of 1 to 200 characters on one line, got ""',
    ],
    [
      'an unknown option',
      { ...rule('http://x'), polcy: 'a' },
      'rules[0].polcy',
      'unknown option (did you mean policy?)',
    ],
    [
      'a relative URL',
      rule('/users/:id'),
      'rules[0].match.url',
      'expected a URL pattern, got "/users/:id": it must begin with a scheme and a host (https://example.com/..., *://*:*/... for any)',
    ],
    [
      'a pattern that does not parse',
      rule('http://x/(', 'a'),
      'rules[0].match.url',
      'expected a URL pattern, got "http://x/(": invalid pathname pattern \'/(\'.',
    ],
    [
      'credentials',
      rule('http://u:secret@x/', 'a'),
      'rules[0].match.url',
      'expected a URL pattern, got "http://…@x/": it must not hold credentials',
    ],
    [
      'too many wildcards',
      rule('http://x/*/*/*', 'a'),
      'rules[0].match.url',
      'expected a URL pattern, got "http://x/*/*/*": it may have no more than 2 of * and (...) in its host, its path and its query each',
    ],
    [
      'a socket with a * inside',
      rule('unix:/*/a', 'a'),
      'rules[0].match.url',
      'expected a URL pattern, got "unix:/*/a": the path of a socket may have a * at its end only',
    ],
  ] as const) {
    it(`for ${what} is told as ${path}`, () => {
      assert.deepEqual(basicsOf(load(wrong)), [{ path, message, source: 'code' }]);
    });
  }

  it('leaves the calls alone that it matches, whatever their method', () => {
    for (const wrong of [
      rule('http://x', 'c', ['GET']),
      rule('http://x', 'a', ['G T']),
      { ...rule('http://x'), x: 1 },
    ]) {
      const config = load(wrong, rule('http://x', 'b'));
      assert.equal(config.problems.length, 1);
      assert.deepEqual(config.rules.forOrigin(originOf('http://x')).fixed, { assignment: undefined });
      assert.equal(config.rules.forOrigin(originOf('http://y')).fixed?.assignment?.policy.name, 'default');
    }
  });

  it('is passed over where nobody knows which calls it was for', () => {
    for (const wrong of [
      rule('http://x/(', 'a'),
      { match: {}, policy: 'a' },
      5,
      { match: { methods: ['G T'] }, policy: 'a' },
    ]) {
      const config = load(wrong, rule('http://x', 'b'));
      assert.equal(config.problems.length, 1);
      assert.equal(config.rules.forOrigin(originOf('http://x')).fixed?.assignment?.policy.name, 'b');
    }
  });

  it('may be one of two with a name and different policies: the second', () => {
    const config = load({ name: 'n', ...rule('http://x', 'a') }, { name: 'n', ...rule('http://y', 'b') });
    const message = '"n" is the name of a rule with the policy "a" already';
    assert.deepEqual(basicsOf(config), [{ path: 'rules[1].name', message, source: 'code' }]);
    assert.equal(config.rules.forOrigin(originOf('http://x')).fixed?.assignment?.upstream, 'n');
    assert.deepEqual(config.rules.forOrigin(originOf('http://y')).fixed, { assignment: undefined });
  });
});

describe(`a degraded response with \${path.id}`, () => {
  const loadWith = (policy: string, ...rules: unknown[]) => {
    const response = { json: { list: [{ id: `user \${path.id} of \${query.q}` }] } };
    return loadCode({ policies: { [policy]: { fallback: { response } } }, rules });
  };
  const lacks = (where: string) => `\${path.id} names a parameter that the URL pattern of ${where} does not have`;

  it('needs that name in the pattern of every rule that leads to it', () => {
    assert.deepEqual(loadWith('users', rule('http://x/:id', 'users'), rule('http://y/:id?', 'users')).problems, []);
    const config = loadWith('users', rule('http://x/:id', 'users'), rule('http://y/:name', 'users'));
    const path = 'policies.users.fallback.response.json.list.0.id';
    assert.deepEqual(basicsOf(config), [{ path, message: lacks('rules[1]'), source: 'code' }]);
    assert.deepEqual(config.rules.forOrigin(originOf('http://y')).match('GET', '/1'), undefined);
  });

  it('may stand in a header field as well', () => {
    const response = { headers: { location: `/users/\${path.id}` } };
    const config = loadCode({ policies: { a: { fallback: { response } } }, rules: [rule('http://x/:name')] });
    assert.deepEqual(
      config.problems.map(({ path }) => path),
      ['policies.a.fallback.response.headers.location'],
    );
  });

  it('is not found in what only looks like a name', () => {
    for (const url of ['http://x/\\:id', 'http://x/(a|:id)', 'http://x/:ids']) {
      assert.equal(loadWith('users', rule(url, 'users')).problems.length, 1, url);
    }
  });

  it('has no place in the default policy, which serves calls without a pattern', () => {
    const config = loadWith('default', rule('http://x/:id', 'default'));
    assert.deepEqual(
      config.problems.map(({ message }) => message),
      [lacks('calls that no rule matches')],
    );
  });

  it('is nothing to tell of as long as no rule leads to the policy', () => {
    assert.deepEqual(loadWith('users').problems, []);
  });
});

describe('URL patterns', () => {
  it('leave no global behind where Node has none of its own', () => {
    load(rule('http://x'));
    const own = Object.getOwnPropertyDescriptor(globalThis, 'URLPattern');
    assert.equal(own === undefined || own.enumerable === false, true);
  });
});
