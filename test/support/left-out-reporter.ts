import type { Reporter, TestModule } from 'vitest/node'

/** Says at the end which tests were left out and why, so that no skip goes unseen. */
export default class LeftOutReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = new Map<string, number>()
    const count = { passed: 0, failed: 0, skipped: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') {
          count.passed++
        } else if (state === 'failed') {
          count.failed++
        } else {
          count.skipped++
          const group = test.parent.type === 'suite' ? test.parent.fullName : 'file'
          const name = `${module.relativeModuleId}: ${group}`
          skipped.set(name, (skipped.get(name) ?? 0) + 1)
        }
      }
    }
    if (skipped.size > 0) {
      console.log(
        `\nLeft out (${count.skipped} tests): their data or tools are not on this machine. See docs/development.md.`,
      )
      for (const [name, tests] of skipped) {
        console.log(`  ${tests} in ${name}`)
      }
    }
    console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
  }
}
