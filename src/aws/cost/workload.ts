export interface Workload {
  imagesPerMonth: number
  memoryMb: number
  /** Billed milliseconds of a request that finds a warm environment. */
  warmMs: number
  /** Milliseconds that a request pays on top when it has to start an environment; starts are billed. */
  coldMs: number
  /** Share of requests that start an environment, 0–1. */
  coldShare: number
  /** Bytes of an answer. Those of the picture come in, which costs nothing. */
  answerBytes: number
  /** Bytes of log lines for a request. */
  logBytes: number
  httpApi: boolean
  /** Counts the monthly free tiers of Lambda, transfer and CloudWatch. */
  freeTier: boolean
  /** Alarms and dashboard, the parameter `Watch` of the stack. Default: full. */
  watch?: 'full' | 'none'
}

export interface CostLine {
  what: string
  dollars: number
}
