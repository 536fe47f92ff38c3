import { defineConfig } from 'vitepress';

/**
 * The documentation site, from the very files that are read in the repository: the root of the checkout is the source,
 * so that a relative link means the same in both places.
 */
export default defineConfig({
  title: 'opentelemetry-instrumentation-resilience',
  description:
    'Circuit breakers, bulkheads, timeouts, budgeted retries and fallbacks for every outbound HTTP call of a Node app',
  srcDir: '..',
  outDir: '../build/site',
  cacheDir: '../build/site-cache',
  cleanUrls: true,
  lastUpdated: false,
  srcExclude: ['node_modules/**', 'build/**', 'dist/**', 'test/**', '**/node_modules/**'],
  rewrites: { 'docs/index.md': 'index.md' },
  // Files that are no pages: they are read in the repository or in the package.
  ignoreDeadLinks: [
    'localhostLinks',
    /localhost/,
    /^\.?\/?(?:\.\.\/)*(?:LICENSE|test\/|src\/[^R]|dashboards\/(?:grafana|prometheus)|examples\/[^/]+\/?$)/,
  ],
  themeConfig: {
    // The package's name is wider than a phone.
    siteTitle: 'Resilience for Node',
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/README' },
      { text: 'Configuration', link: '/docs/configuration' },
      { text: 'Telemetry', link: '/docs/telemetry' },
    ],
    sidebar: [
      {
        text: 'Start here',
        items: [
          { text: 'Overview and quick start', link: '/README' },
          { text: 'Loading it where apps run', link: '/docs/deployment' },
          { text: 'What an outage looks like', link: '/docs/outage' },
          { text: 'Examples', link: '/examples/README' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'Configuration', link: '/docs/configuration' },
          { text: 'Telemetry', link: '/docs/telemetry' },
          { text: 'API', link: '/docs/api' },
          { text: 'Command line', link: '/docs/cli' },
          { text: 'Status page', link: '/docs/status-page' },
          { text: 'Logs and request ids', link: '/docs/logs' },
          { text: 'Stability', link: '/docs/stability' },
          { text: 'Compatibility', link: '/docs/compatibility' },
        ],
      },
      {
        text: 'Running it',
        items: [
          { text: 'Tuning', link: '/docs/tuning' },
          { text: 'Fallbacks', link: '/docs/fallback' },
          { text: 'Hedging', link: '/docs/hedging' },
          { text: 'Overload', link: '/docs/overload' },
          { text: 'Troubleshooting', link: '/docs/troubleshooting' },
          { text: 'FAQ', link: '/docs/faq' },
          { text: 'Dashboards', link: '/dashboards/README' },
          { text: 'Runbook', link: '/docs/runbook' },
          { text: 'Overhead', link: '/bench/README' },
        ],
      },
      {
        text: 'Coming from elsewhere',
        items: [
          { text: 'Comparison', link: '/docs/comparison' },
          { text: 'opossum', link: '/docs/migrate/opossum' },
          { text: 'cockatiel', link: '/docs/migrate/cockatiel' },
          { text: 'axios-retry and got', link: '/docs/migrate/axios-retry-and-got' },
          { text: 'A sidecar', link: '/docs/migrate/sidecar' },
        ],
      },
      {
        text: 'The project',
        items: [
          { text: 'How the code is laid out', link: '/src/README' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
          { text: 'Security', link: '/SECURITY' },
          { text: 'Changelog', link: '/CHANGELOG' },
        ],
      },
    ],
  },
});
