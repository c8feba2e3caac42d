import { defineConfig } from 'vitest/config';

/** The API as the real kubectl sees it. Each test has a namespace of its own, so they run side by side. */
export default defineConfig({
  test: {
    include: ['test/kubectl/**/*.test.ts'],
    globalSetup: ['test/kubectl/binary.ts'],
    sequence: { concurrent: true },
    maxConcurrency: 4,
    maxWorkers: '100%',
    // The server's modules are loaded once by each worker, not once by each file.
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
});
