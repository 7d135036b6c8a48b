import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'

export interface Moto {
  endpoint: string
  reset(): Promise<void>
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

/** Makes transactions on large tables fast, see the file in it. */
const LARGE = join(import.meta.dirname, 'large-moto')

/** An AWS that runs here; it stores what it is told and checks little. */
export async function startMoto(
  command: string,
  { manyItems = false }: { manyItems?: boolean } = {},
): Promise<Moto> {
  const port = await freePort()
  const child: ChildProcess = spawn(command, ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: process.env.BOXLET_TEST_MOTO_LOG ? 'inherit' : 'ignore',
    env: { ...process.env, MOTO_PORT: String(port), ...(manyItems && { PYTHONPATH: LARGE }) },
  })
  const endpoint = `http://127.0.0.1:${port}`
  for (let tries = 0; ; tries++) {
    const answered = await fetch(`${endpoint}/moto-api/data.json`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (answered) {
      break
    }
    if (tries > 300 || child.exitCode !== null) {
      throw new Error('moto did not start')
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    endpoint,
    reset: async () => {
      await fetch(`${endpoint}/moto-api/reset`, { method: 'POST' })
    },
    stop: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}
