import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores are common on build machines, and every worker holds its own ONNX Runtime.
    maxWorkers: 2,
  },
})
