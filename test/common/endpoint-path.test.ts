import assert from 'node:assert/strict';
import { joinEndpointPath } from '../../src/common/endpoint-path.ts';

describe('joinEndpointPath', () => {
  const cases: ReadonlyArray<readonly [what: string, base: string, path: string, joined: string]> = [
    ['puts the path and query below the base path', '/v2', '/users/1?q=a/../b', '/v2/users/1?q=a/../b'],
    ['leaves a path alone where there is no base path', '', '/a/../b//c?x', '/a/../b//c?x'],
    ['does not let .. leave the base path', '/v2', '/../admin', '/v2/admin'],
    ['does not let .. leave the base path from deeper down', '/v2', '/a/../../admin', '/v2/admin'],
    ['does not let an encoded .. leave the base path', '/v2', '/%2E%2e/admin', '/v2/admin'],
    ['does not let .. behind an encoded slash leave the base path', '/v2', '/x%2f..%2F..%2fadmin', '/v2/admin'],
    ['does not let .. behind a backslash leave the base path', '/v2', '/..\\admin', '/v2/admin'],
    ['does not let a bare .. leave the base path', '/v2', '/..', '/v2/'],
    ['keeps dots that are no segments', '/v2', '/a..b/...?..', '/v2/a..b/...?..'],
    ['keeps encoded slashes', '/v2', '/a%2Fb', '/v2/a%2Fb'],
    ['takes path and query of an absolute URL', '/v2', 'http://api.example:81/users?a', '/v2/users?a'],
    ['takes path and query of an absolute URL without a base path', '', 'HTTP://api.example/users', '/users'],
    ['takes an absolute URL without a path as the root', '', 'http://api.example', '/'],
    ['adds the slash that is missing', '/v2', 'users', '/v2/users'],
    ['adds the slash before a query', '/v2', '?a=1', '/v2/?a=1'],
    ['keeps an empty segment at the start below the base path', '/v2', '//other.example/x', '/v2//other.example/x'],
    ['keeps the asterisk', '', '*', '*'],
    ['asks the base path for what is asked of the whole server', '/v2', '*', '/v2/'],
    ['takes an empty path as the root', '', '', '/'],
  ];
  for (const [what, base, path, joined] of cases) {
    it(what, () => assert.equal(joinEndpointPath(base, path), joined));
  }
});
