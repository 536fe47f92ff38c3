import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { namesCaller, staysHome } from '../../src/common/caller-identity.ts';

/** Names in use by which services and proxies tell for whom, or with whose rights, a request is made. */
const NAMING = `authorization cookie x-api-key x-auth-token private-token x-vault-token api-key apikey x-goog-api-key
  ocp-apim-subscription-key x-functions-key x-session-id x-session-token x-csrf-token x-goog-iap-jwt-assertion
  cf-access-jwt-assertion cf-access-client-secret x-amzn-oidc-data x-shopify-access-token x-plex-token x-user
  x-forwarded-email x-remote-user proxy-authorization x-authorization authentication token x-tenant x-account-id
  x-customer-id dpop x-hasura-admin-secret x-client-cert x-ms-client-principal x-figma-token x-github-token x-real-user
  x-access-token x-amz-security-token x-forwarded-user x-user-id x-tenant-id cookie2 x-xsrf-token x-arr-clientcert
  x-forwarded-client-cert ssl-client-dn x-ssl-client-verify x-consumer-username x-scope-orgid x-honeycomb-team
  ok-access-passphrase ok-access-sign cb-access-key x-mbx-apikey x-hub-signature-256 x-webauth-user remote-user
  impersonate-user impersonate-group sudo x-ms-client-principal-id x-on-behalf-of from x-wsse x-application-id app-id
  x-redmine-api-key dd-application-key stripe-account openai-organization x-device-id x-forwarded-preferred-username
  x-forwarded-groups x-otp mcp-session-id x-goog-authenticated-user-email x_api_key x.user-agent.token signature-input
  x-sid authkey x-okta-user-id x-original-authorization x-rapidapi-key x-user-agent-token x-authority-token`;

const NOT_NAMING = `accept accept-encoding accept-language content-type content-length host user-agent referer origin
  traceparent tracestate baggage b3 x-b3-traceid x-amzn-trace-id x-request-id x-correlation-id x-datadog-trace-id
  sentry-trace sec-fetch-user sec-fetch-mode sec-ch-ua sec-websocket-key authority :authority x-original-authority
  x-author idempotency-key if-none-match cache-control range via x-forwarded-for x-forwarded-proto x-real-ip
  x-requested-with x-amz-user-agent x-amz-date x-amz-content-sha256 content-digest prefer priority upgrade te date
  x-client-version x-api-version accept-profile x-consider x-design x-device-type last-event-id grpc-timeout dnt`;

const list = (names: string): string[] => names.split(/\s+/);

describe('a header that names the caller', () => {
  for (const name of list(NAMING)) it(`is ${name}`, () => assert.equal(namesCaller(name), true));
  for (const name of list(NOT_NAMING)) it(`is not ${name}`, () => assert.equal(namesCaller(name), false));

  it('is one that the configuration adds', () => {
    const added = new Set(['x-acme-who']);
    assert.equal(namesCaller('x-acme-who'), false);
    assert.equal(namesCaller('x-acme-who', added), true);
    assert.equal(namesCaller('x-acme-who'), false);
    assert.equal(namesCaller('cookie', added), true);
  });

  it('is told the same however many names have been asked about', () => {
    for (let i = 0; i < 2_000; i++) namesCaller(`x-passed-on-${i}`);
    assert.equal(namesCaller('x-late-token'), true);
    assert.equal(namesCaller('x-late'), false);
  });
});

describe('a header at another origin', () => {
  it('is left out if it names the caller, unless credentials are forwarded', () => {
    const stranger = { forwardCredentials: false };
    assert.equal(staysHome('x-api-key', stranger), true);
    assert.equal(staysHome('referer', stranger), true);
    assert.equal(staysHome('accept', stranger), false);
    assert.equal(staysHome('x-api-key', { forwardCredentials: true }), false);
    assert.equal(staysHome('referer', { forwardCredentials: true }), false);
  });

  it('is left out if the configuration says so', () => {
    const credentialHeaders = new Set(['x-acme-who']);
    assert.equal(staysHome('x-acme-who', { forwardCredentials: false, credentialHeaders }), true);
    assert.equal(staysHome('x-acme-who', { forwardCredentials: true, credentialHeaders }), false);
  });
});
