import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where Debian puts the programs of the server, which are not on the path. */
const DEBIAN = '/usr/lib/postgresql'

/** Folder of the server's programs, or undefined where there is none. */
export const postgresPrograms: string | undefined = programs()

function programs(): string | undefined {
  const named = process.env.BOXLET_TEST_POSTGRES
  if (named !== undefined) {
    return named
  }
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  return versions
    .map((version) => join(DEBIAN, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')))
}

export interface Cluster {
  /** Of a database that is there. */
  address: string
  start(): void
  /** `immediate` is what a loss of power comes to: nothing more is written. */
  stop(mode?: 'fast' | 'immediate'): void
  remove(): void
}

/** A server of the test's own on a free port. Root may not run one, so the user of Debian's package does. */
export async function startCluster(): Promise<Cluster> {
  const bin = postgresPrograms!
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-postgres-'))
  const isRoot = process.getuid?.() === 0
  if (isRoot) {
    execFileSync('chown', ['postgres', folder])
  } else {
    chmodSync(folder, 0o700)
  }
  const data = join(folder, 'data')
  const run = (program: string, ...args: string[]): void => {
    const words = [join(bin, program), ...args].map((word) => `'${word}'`).join(' ')
    const [command, ...rest] = isRoot ? ['su', 'postgres', '-c', words] : ['sh', '-c', words]
    // Its own children keep what they inherit, so that nothing may be waited for but the program itself.
    const { status } = spawnSync(command!, rest, { cwd: folder, stdio: 'ignore' })
    if (status !== 0) {
      throw new Error(`${program} ended with ${status}.`)
    }
  }
  run('initdb', '-D', data, '-A', 'trust', '-U', 'boxlet', '-E', 'UTF8', '--locale=C', '--no-sync')
  const port = await freePort()
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder}`
  const start = (): void => run('pg_ctl', '-D', data, '-o', options, '-l', join(folder, 'log'), '-w', 'start')
  const stop = (mode: 'fast' | 'immediate' = 'fast'): void =>
    run('pg_ctl', '-D', data, '-m', mode, '-w', 'stop')
  start()
  return {
    address: `postgres://boxlet@127.0.0.1:${port}/postgres`,
    start,
    stop,
    remove: () => {
      stop('immediate')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
