import { configDefaults, defineConfig } from 'vitest/config'
import LeftOutReporter from './test/support/left-out-reporter.ts'

/** Tests of these files need more than Node, or take long, and have their own time limits. */
const CORPUS = ['src/**/corpus.test.ts', 'src/**/*.corpus.test.ts', 'test/service-pictures.test.ts']
const SERVICE = [
  'src/{api,jobs,local,pool,server}/**/*.test.ts',
  'src/cli/{jobs,serve,watch}*/**/*.test.ts',
  'src/cli/{jobs,serve,watch}*.test.ts',
  'test/{aws-clients,clients,evaluate-remote,mcp,openapi,report-page,service-fuzz}.test.ts',
  'test/jobs/**/*.test.ts',
  'test/page/**/*.test.ts',
]
const AWS = ['src/aws/**/*.test.ts', 'src/cli/deploy/**/*.test.ts', 'test/aws/**/*.test.ts']
/** What needs nothing but Node and still takes a tenth of all others together: no other release of Node repeats it. */
const LONG = [
  'src/{cli/,}{doctor,teach}/**/*.test.ts',
  'src/cli/{bench,model,package}/**/*.test.ts',
  'src/{onnx,tflite}/fuzz.test.ts',
  'src/image/resize/linear-axis.test.ts',
  'src/store/processes.test.ts',
  'test/{hostile-graphs,pack}.test.ts',
]

/** Milliseconds for a test, and for what prepares it. A build machine with two cores is slow. */
const project = (name: string, include: string[], testTimeout: number, exclude: string[] = []) => ({
  extends: true as const,
  test: {
    name,
    include,
    exclude: [...configDefaults.exclude, ...exclude],
    testTimeout,
    hookTimeout: testTimeout + 60_000,
  },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'], 60_000, [
        ...CORPUS,
        ...SERVICE,
        ...AWS,
        ...LONG,
      ]),
      project('long', LONG, 60_000),
      project('corpus', CORPUS, 120_000),
      project('service', SERVICE, 90_000, CORPUS),
      project('aws', AWS, 180_000),
    ],
    setupFiles: ['test/support/seed.ts'],
    // Two cores are common on build machines, and every worker holds its own ONNX Runtime.
    maxWorkers: 2,
    reporters: ['default', new LeftOutReporter()],
    coverage: {
      provider: 'v8',
      include: ['src/{boxes,families,onnx,evaluate}/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: {
        'src/boxes/**': { branches: 95 },
        'src/families/**': { branches: 95 },
        'src/onnx/**': { branches: 95 },
        'src/evaluate/**': { branches: 95 },
      },
    },
  },
})
