import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/moto/**', 'test/kubectl/**', 'node_modules/**'],
    // By itself it leaves one core idle, which is half of a small machine.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    coverage: {
      provider: 'v8',
      include: ['controller/core/**', 'controller/kinds/**'],
      reporter: ['text-summary'],
      thresholds: { lines: 95 },
    },
  },
});
