/** Milliseconds between two looks at a run. */
const LOOK_MS = 250

export interface Watch {
  /** Seconds of this session. */
  seconds(): number
  /** Largest resident memory seen, bytes. */
  memory(): number
  end(): void
}

/** Looks at the memory now and then, and lets somebody be told how far the run is. */
export function watchRun(tell: (seconds: number) => void): Watch {
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  let memory = 0
  const look = () => {
    memory = Math.max(memory, process.memoryUsage.rss())
    tell(seconds())
  }
  look()
  const timer = setInterval(look, LOOK_MS)
  return {
    seconds,
    memory: () => memory,
    end() {
      clearInterval(timer)
      look()
    },
  }
}
