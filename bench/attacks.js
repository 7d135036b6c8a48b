/**
 * What others get from the service while somebody means it harm: `bench/serve.js --attack`.
 *
 * Attackers sit at another loopback address, and then at the address of the good clients with a key of their own. They
 * share the cores with the service, which those of the world do not: each attack is a process of its own with its
 * sockets, at a lower priority, so that it takes from service and good clients what it sends and not what sending costs
 * it. Its bodies are made once, before anything is measured. `hits/s` says how hard it really hit: answers, or cut
 * connections, a second.
 */
import { execFileSync, fork, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { setPriority, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'

export const ATTACKS = ['none', 'slow', 'chunked', 'silent', 'heads', 'forged', 'bombs', 'flood']

const BIN = resolve(import.meta.dirname, '../bin/boxlet.js')
const GOOD = '127.0.0.1'
const BAD = '127.0.0.2'
const GOOD_CLIENTS = 4
const HEALTH_EVERY_MS = 50
/** Garbage of the attack is gone by then, and connections that the service closes are closed. */
const SETTLE_MS = 15_000
const WARM_MS = 8_000
/** Garbage comes and goes by tens of megabytes: the middle of this long under the same load is compared. */
const COMPARED_MS = 4_000
/** A tenth of the weight of the service: where the cores are full the attackers wait, not the others. */
const ATTACKER_NICE = 10

const quantile = (numbers, q) =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * q))] ??
  Number.NaN
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds))

/** @param options model, pictures (their bytes), seconds, sockets, kinds */
export async function attackAll({ model, workers, pictures, seconds, sockets, kinds }) {
  console.log(`${sockets} sockets, ${seconds} s an attack, ${GOOD_CLIENTS} good clients`)
  console.log(
    'where    attack    answered  p50 ms  p99 ms  health p99  most  hits/s  MB before  most  after  left  stop s',
  )
  for (const where of ['address', 'key']) {
    for (const kind of kinds) {
      await attackOne({ model, workers, pictures, seconds, sockets, kind, where })
    }
  }
}

async function attackOne({ model, workers, pictures, seconds, sockets, kind, where }) {
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-attack-'))
  const keys = join(folder, 'keys.json')
  const withKeys = where === 'key' || kind === 'forged'
  const [good, bad] = ['good', 'bad'].map((name) => createKey(keys, name))
  const known = createKey(keys, 'known', true)
  const service = await start(model, workers, withKeys ? ['--auth', '--keys', keys] : [])
  try {
    const headers = withKeys ? { authorization: `Bearer ${good}` } : {}
    const clients = new GoodClients(service, pictures, headers)
    await clients.run(WARM_MS)
    const before = await memoryWhile(service, clients.run(COMPARED_MS))
    const attackers = () =>
      startAttackers({
        kind,
        sockets,
        port: service.port,
        from: where === 'key' ? GOOD : BAD,
        headers: withKeys ? `Authorization: Bearer ${bad}\r\n` : '',
        known,
        picture: pictures[0],
      })
    const attacker = await attackers()
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, service.memory())
    }, 200)
    const { times, sent, health } = await clients.run(seconds * 1000)
    clearInterval(watch)
    const hits = await attacker.stop()
    await sleep(SETTLE_MS)
    const after = await memoryWhile(service, clients.run(COMPARED_MS))
    const left = await clients.inFlight()
    // The end comes under attack too.
    const again = await attackers()
    await sleep(1_000)
    const stopped = await service.stop()
    await again.stop()
    console.log(
      [
        where.padEnd(8),
        kind.padEnd(8),
        `${((100 * times.length) / sent).toFixed(1)} %`.padStart(9),
        quantile(times, 0.5).toFixed(0).padStart(7),
        quantile(times, 0.99).toFixed(0).padStart(7),
        quantile(health, 0.99).toFixed(0).padStart(11),
        Math.max(...health)
          .toFixed(0)
          .padStart(5),
        (hits / seconds).toFixed(0).padStart(7),
        before.toFixed(0).padStart(10),
        most.toFixed(0).padStart(5),
        after.toFixed(0).padStart(6),
        String(left).padStart(5),
        (stopped / 1000).toFixed(1).padStart(7),
      ].join(' '),
    )
  } finally {
    service.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Median of the resident megabytes until the promise settles. */
async function memoryWhile(service, load) {
  const samples = []
  const watch = setInterval(() => samples.push(service.memory()), 100)
  await load
  clearInterval(watch)
  return quantile(samples, 0.5)
}

/** @returns once the attack is under way; `stop` ends it and tells how many answers and cut connections it had */
async function startAttackers(order) {
  const child = fork(import.meta.filename, { serialization: 'advanced', env: { ...process.env, ORDER: '1' } })
  setPriority(child.pid, ATTACKER_NICE)
  let hits = 0
  await new Promise((ready) => {
    child.on('message', (count) => {
      hits = count
      ready()
    })
    child.send(order)
  })
  const begun = hits
  return {
    async stop() {
      const ended = new Promise((done) => child.once('exit', done))
      child.kill('SIGKILL')
      await ended
      return hits - begun
    },
  }
}

function createKey(file, name, isAccess = false) {
  const text = execFileSync(
    process.execPath,
    [BIN, 'keys', 'create', '--keys', file, '--name', name, ...(isAccess ? ['--aws'] : [])],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  ).toString()
  return (isAccess ? /BOXL[A-Z2-7]{16}/ : /boxlet_\w{12}_[\w-]{43}/).exec(text)[0]
}

async function start(model, workers, more) {
  const args = [
    'serve',
    '--port',
    '0',
    '--model',
    model,
    '--workers',
    String(workers),
    '--log',
    'off',
    ...more,
  ]
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise((done) => child.once('exit', done))
  const port = await new Promise((found, fail) => {
    child.stderr.on('data', (chunk) => {
      const match = /127\.0\.0\.1:(\d+)/.exec(String(chunk))
      if (match !== null) {
        found(Number(match[1]))
      }
    })
    child.once('exit', () => fail(new Error('Expected the service to start but it ended.')))
  })
  return {
    port,
    /** Resident megabytes. */
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024,
    /** Milliseconds until it has ended. */
    async stop() {
      const started = performance.now()
      child.kill('SIGTERM')
      await ended
      return performance.now() - started
    },
    kill: () => child.kill('SIGKILL'),
  }
}

/** Clients that mean well: pictures one behind the other, and a probe of the health of the service. */
class GoodClients {
  constructor({ port }, pictures, headers) {
    this.port = port
    this.pictures = pictures
    this.headers = headers
  }

  async run(milliseconds) {
    const end = performance.now() + milliseconds
    const times = []
    const health = []
    let sent = 0
    const client = async (number) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      for (let at = number; performance.now() < end; at++) {
        const started = performance.now()
        sent++
        const status = await this.send(agent, 'POST', '/v1/detect', this.pictures[at % this.pictures.length])
        if (status === 200) {
          times.push(performance.now() - started)
        } else {
          await sleep(100)
        }
      }
      agent.destroy()
    }
    const probe = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      while (performance.now() < end) {
        const started = performance.now()
        const status = await this.send(agent, 'GET', '/healthz')
        health.push(status === 200 ? performance.now() - started : Number.POSITIVE_INFINITY)
        await sleep(HEALTH_EVERY_MS)
      }
      agent.destroy()
    }
    await Promise.all([probe(), ...Array.from({ length: GOOD_CLIENTS }, (_, i) => client(i))])
    return { times, sent, health }
  }

  /** Status, or 0 where the connection failed. */
  send(agent, method, path, body) {
    return new Promise((done) => {
      const call = request(
        {
          agent,
          port: this.port,
          host: GOOD,
          method,
          path,
          headers: { ...this.headers, ...(body && { 'content-length': body.length }) },
        },
        (response) => {
          response.resume()
          response.on('end', () => done(response.statusCode))
          response.on('error', () => done(0))
        },
      )
      call.on('error', () => done(0))
      call.end(body)
    })
  }

  async inFlight() {
    const response = await fetch(`http://${GOOD}:${this.port}/metrics`, { headers: this.headers })
    // The question itself is one.
    return Number(/^boxlet_requests_in_flight (\d+)/m.exec(await response.text())?.[1]) - 1
  }
}

/** A picture that declares much and weighs little. */
function pngOf(width, height) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    sum.writeUInt32BE((crc32 ?? (() => 0))(body))
    return Buffer.concat([length, body, sum])
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.alloc((width + 1) * height), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function bombs(headers) {
  const post = (path, body, type = 'application/octet-stream') =>
    Buffer.concat([
      Buffer.from(
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
      ),
      body,
    ])
  const part = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
  return [
    post('/v1/detect', Buffer.from('['.repeat(30_000_000)), 'application/json'),
    post('/v1/detect', Buffer.from(`{${'"a":1,'.repeat(4_000_000)}"b":1}`), 'application/json'),
    post('/v1/detect', Buffer.from(`{"images":[${'{},'.repeat(9_000_000)}{}]}`), 'application/json'),
    post('/v1/detect', Buffer.from(part.repeat(450_000)), 'multipart/form-data; boundary=x'),
    post('/v1/detect', pngOf(8_000, 8_000), 'image/png'),
    post('/v1/detect', pngOf(60_000_000, 1), 'image/png'),
  ]
}

/** Keeps as many sockets busy as it was told, in the way of the attack, until the process is ended. */
function attack({ kind, sockets, port, from, headers, known, picture }) {
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const signed = `X-Amz-Date: ${now}\r\nAuthorization: AWS4-HMAC-SHA256 Credential=${known}/${now.slice(0, 8)}/us-east-1/rekognition/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}\r\n`
  const post = (more) => `POST /v1/detect HTTP/1.1\r\nHost: localhost\r\n${more}`
  const drip = (head, piece) => (socket) => {
    socket.write(head)
    socket.timer = setInterval(() => socket.write(piece), 500)
  }
  const loads = kind === 'bombs' ? bombs(headers) : []
  const good = Buffer.concat([
    Buffer.from(post(`${headers}Content-Length: ${picture.length}\r\n\r\n`)),
    picture,
  ])
  let turn = 0
  let hits = 0
  const begin = {
    slow: drip(post(`${headers}Content-Length: 30000000\r\n\r\nabc`), 'a'),
    chunked: drip(post(`${headers}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`), '1\r\na\r\n'),
    none: () => {},
    silent: () => {},
    heads: drip('POST /v1/detect HTTP/1.1\r\nHost: localhost\r\n', 'X-A: b\r\n'),
    forged: drip(post(`${signed}Content-Length: 30000000\r\n\r\nabc`), 'a'),
    bombs: (socket) => socket.write(loads[turn++ % loads.length]),
    flood: (socket) => socket.write(good),
  }[kind]
  const count = kind === 'none' ? 0 : kind === 'flood' ? 64 : sockets
  const open = () => {
    const socket = connect({ port, host: GOOD, localAddress: from })
    socket.on('connect', () => begin(socket))
    // An answer ends one request of those that make whole ones.
    socket.on('data', (chunk) => {
      hits++
      if (kind === 'flood' && chunk.includes('\r\n\r\n')) {
        begin(socket)
      } else if (kind === 'bombs') {
        socket.destroy()
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(socket.timer)
      hits += socket.bytesRead === 0 ? 1 : 0
      setTimeout(open, 100)
    })
  }
  for (let i = 0; i < count; i++) {
    open()
  }
  setTimeout(() => setInterval(() => process.send(hits), 200), 1_000)
}

if (process.env.ORDER !== undefined) {
  process.once('message', attack)
}
