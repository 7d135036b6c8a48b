import { defineConfig } from 'vitest/config'
import LeftOutReporter from './test/support/left-out-reporter.ts'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Two cores are common on build machines, and every worker holds its own ONNX Runtime.
    maxWorkers: 2,
    reporters: ['default', new LeftOutReporter()],
  },
})
