/**
 * The service against the bare detector on the same cores: requests per second, p50 and p99 at 1, 2, 8 and 32
 * clients, as a ratio to the images per second of as many detectors in as many threads without HTTP around them.
 * Rounds of both alternate, ratios are taken within a round, medians are shown.
 *
 *   npm run build && node bench/serve.js [--model NAME|FILE] [--pictures DIR] [--seconds 4] [--rounds 3]
 *   npm run build && node bench/serve.js --memory 10000   resident memory over so many requests
 *   npm run build && node bench/serve.js --attack all [--sockets 300] [--seconds 20]   what good clients get meanwhile
 *
 * On a shared machine the processor time a picture is the steadiest figure: `cpu` is that of the bare detector
 * over that of the service, the clients left out.
 *
 * The clients are plain sockets in this process, and share the cores with the service: their cost is in the ratio.
 * A picture is the body as it is; answers are read to the end and counted.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Detector } from '../dist/index.js'
import { processorShare } from '../dist/runtime/processors.js'
import { ATTACKS, attackAll } from './attacks.js'

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
const quantile = (sorted, q) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN

async function main() {
  const corpus = process.env.BOXLET_CORPUS ?? resolve(import.meta.dirname, '../../shared/corpus')
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: resolve(corpus, 'models/yolox-nano.onnx') },
      pictures: { type: 'string', default: resolve(corpus, 'coco/images') },
      seconds: { type: 'string', default: '4' },
      rounds: { type: 'string', default: '3' },
      memory: { type: 'string' },
      attack: { type: 'string' },
      sockets: { type: 'string', default: '300' },
    },
  })
  const pictures = readdirSync(values.pictures)
    .slice(0, 24)
    .map((file) => readFileSync(resolve(values.pictures, file)))
  const workers = Math.max(1, Math.round(processorShare()))
  console.log(
    `${cpus()[0].model}, ${workers} cores, Node ${process.version}, ${values.model.split('/').pop()}`,
  )
  if (values.attack !== undefined) {
    const kinds = values.attack === 'all' ? ATTACKS : values.attack.split(',')
    const [seconds, sockets] = [Number(values.seconds), Number(values.sockets)]
    await attackAll({ model: values.model, workers, pictures, seconds, sockets, kinds })
    return
  }
  const service = await startService(values.model, workers)
  try {
    if (values.memory !== undefined) {
      await memory(service.port, pictures, Number(values.memory))
    } else {
      await throughput(
        service.port,
        pictures,
        values.model,
        workers,
        Number(values.seconds),
        Number(values.rounds),
      )
    }
  } finally {
    service.stop()
  }
}

async function throughput(port, pictures, model, workers, seconds, rounds) {
  const bare = await startBare(model, pictures, workers)
  const counts = [1, 2, 8, 32]
  const results = new Map(
    counts.map((clients) => [clients, { ratio: [], cpu: [], rate: [], p50: [], p99: [], errors: 0 }]),
  )
  const bareRates = []
  await load(port, pictures, 8, 1_000)
  for (let round = 0; round < rounds; round++) {
    for (const clients of counts) {
      const bareBefore = process.cpuUsage()
      const { done: bareDone, rate: bareRate } = await bare.run(seconds * 1000)
      const bareCpu = microseconds(process.cpuUsage(bareBefore)) / bareDone
      const before = await metric(port, 'process_cpu_seconds_total')
      const { done, times, all, errors } = await load(port, pictures, clients, seconds * 1000)
      const cpu = ((await metric(port, 'process_cpu_seconds_total')) - before) * 1e6
      const into = results.get(clients)
      const sorted = times.toSorted((a, b) => a - b)
      into.rate.push(done / seconds)
      into.ratio.push(done / seconds / bareRate)
      into.cpu.push(bareCpu / (cpu / all))
      into.p50.push(quantile(sorted, 0.5))
      into.p99.push(quantile(sorted, 0.99))
      into.errors += errors
      bareRates.push(bareRate)
    }
  }
  await bare.stop()
  console.log(`bare detector, ${workers} threads: ${median(bareRates).toFixed(1)} images/s`)
  console.log('clients  requests/s  ratio   cpu  p50 ms  p99 ms  errors')
  for (const [clients, { rate, ratio, cpu, p50, p99, errors }] of results) {
    const cells = [
      median(rate).toFixed(1).padStart(10),
      median(ratio).toFixed(2).padStart(6),
      median(cpu).toFixed(2).padStart(5),
    ]
    cells.push(
      median(p50).toFixed(0).padStart(7),
      median(p99).toFixed(0).padStart(7),
      String(errors).padStart(7),
    )
    console.log(`${String(clients).padStart(7)} ${cells.join(' ')}`)
  }
}

async function memory(port, pictures, requests) {
  const step = Math.max(1, Math.floor(requests / 10))
  let errors = 0
  console.log('requests  resident MB')
  console.log(`${'0'.padStart(8)}  ${(await residentMegabytes(port)).toFixed(0)}`)
  for (let sent = step; sent <= requests; sent += step) {
    errors += (await load(port, pictures, 8, Number.POSITIVE_INFINITY, step)).errors
    console.log(`${String(sent).padStart(8)}  ${(await residentMegabytes(port)).toFixed(0)}`)
  }
  console.log(`errors: ${errors}`)
}

const microseconds = ({ user, system }) => user + system

async function metric(port, name) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)[1])
}

const residentMegabytes = async (port) => (await metric(port, 'process_resident_memory_bytes')) / 2 ** 20

/** Keeps as many requests under way as there are clients, each on its own connection, until the time or count is over. */
async function load(port, pictures, clients, milliseconds, count = Number.POSITIVE_INFINITY) {
  const requests = pictures.map((picture) =>
    Buffer.concat([
      Buffer.from(`POST /v1/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${picture.length}\r\n\r\n`),
      picture,
    ]),
  )
  const end = performance.now() + milliseconds
  const times = []
  let begun = 0
  let done = 0
  let all = 0
  let errors = 0
  const client = () =>
    new Promise((finish, fail) => {
      const socket = connect(port, '127.0.0.1')
      socket.setNoDelay(true)
      let head = ''
      let left = -1
      let started = 0
      const next = () => {
        if (performance.now() >= end || begun >= count) {
          socket.end()
          return finish()
        }
        head = ''
        left = -1
        started = performance.now()
        socket.write(requests[begun++ % requests.length])
      }
      socket.on('connect', next)
      socket.on('error', fail)
      socket.on('data', (chunk) => {
        if (left < 0) {
          head += chunk.toString('latin1')
          const split = head.indexOf('\r\n\r\n')
          if (split < 0) {
            return
          }
          left = Number(/content-length: (\d+)/i.exec(head)[1]) - (head.length - split - 4)
        } else {
          left -= chunk.length
        }
        if (left > 0) {
          return
        }
        all++
        // What ends after the time is not counted, as the bare run counts no picture that it has not finished.
        if (performance.now() <= end) {
          done++
          times.push(performance.now() - started)
        }
        if (!head.startsWith('HTTP/1.1 200')) {
          errors++
        }
        next()
      })
    })
  await Promise.all(Array.from({ length: clients }, client))
  return { done, all, times, errors }
}

async function startService(model, workers) {
  const bin = resolve(import.meta.dirname, '../bin/boxlet.js')
  const child = spawn(
    process.execPath,
    [bin, 'serve', '--port', '0', '--model', model, '--workers', String(workers), '--log', 'off'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const port = await new Promise((found, fail) => {
    child.stderr.on('data', (chunk) => {
      const match = /127\.0\.0\.1:(\d+)/.exec(String(chunk))
      if (match !== null) {
        found(Number(match[1]))
      }
    })
    child.on('exit', () => fail(new Error('Expected the service to start but it ended.')))
  })
  return { port, stop: () => child.kill('SIGTERM') }
}

async function startBare(model, pictures, workers) {
  const threads = Array.from(
    { length: workers },
    () => new Worker(new URL(import.meta.url), { workerData: { model, pictures } }),
  )
  const answer = (thread) => new Promise((resolveWith) => thread.once('message', resolveWith))
  await Promise.all(threads.map(answer))
  return {
    async run(milliseconds) {
      const counts = Promise.all(threads.map(answer))
      for (const thread of threads) {
        thread.postMessage(milliseconds)
      }
      const all = await counts
      const sum = (name) => all.reduce((total, part) => total + part[name], 0)
      return { done: sum('done'), rate: sum('rate') }
    },
    stop: () => Promise.all(threads.map((thread) => thread.terminate())),
  }
}

/** One detector that does nothing else: what the cores give without a service. */
async function bareWorker() {
  const { model, pictures } = workerData
  const bytes = pictures.map((picture) => new Uint8Array(picture))
  const detector = await Detector.load(model, { threads: 1 })
  await detector.warmUp()
  let at = 0
  parentPort.on('message', async (milliseconds) => {
    const begun = performance.now()
    const end = begun + milliseconds
    let done = 0
    while (performance.now() < end) {
      await detector.detect(bytes[at++ % bytes.length])
      done++
    }
    // The last picture ends after the time: its share before it counts.
    parentPort.postMessage({ done, rate: done / ((performance.now() - begun) / 1000) })
  })
  parentPort.postMessage('ready')
}

if (isMainThread) {
  await main()
} else {
  await bareWorker()
}
