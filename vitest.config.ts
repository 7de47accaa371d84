import { defineConfig } from 'vitest/config'

// Two shared cores: two workers, and room for real processes that tests start.
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // .ci/run names what was skipped; everybody else needs only the terminal.
    reporters: process.env['TEST_RESULTS'] ? ['default', 'json'] : ['default'],
    outputFile: process.env['TEST_RESULTS'] ?? '',
    globalSetup: 'tests/support/build.ts',
    setupFiles: 'tests/support/property-seed.ts',
    // A test that hangs is to fail; a busy machine may take five times as long as an idle one.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
    pool: 'forks',
  },
})
