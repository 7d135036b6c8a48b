/** What a picture costs with Amazon Rekognition and on AWS Lambda, and how long an answer takes. */
import type { Speed, SubjectInfo } from './evaluation.ts'

/** Dollars. The caller says which ones, so that prices are kept in one place. */
export interface SwitchingPrices {
  /** A picture with Rekognition. Custom Labels is billed by the hour, so the user has to name one. */
  rekognitionPicture: number
  /** A gigabyte-second of Lambda on arm64, and a request. */
  lambdaGbSecond: number
  lambdaRequest: number
}

/** Megabytes that give a function one whole processor. */
const LAMBDA_MB = 1769

export interface Switching {
  rekognition: string
  other: string
  /** Median milliseconds that a caller waits. */
  rekognitionLatency: number
  otherLatency: number
  /** Dollars for a thousand pictures. */
  rekognitionCost: number
  otherCost: number
  /** Share of the money that stays, 0–1; negative when it costs more. */
  saves: number
  memoryMb: number
}

export interface Timed {
  subject: SubjectInfo
  speed: Speed
}

/** Undefined unless exactly one of the two is Rekognition. */
export function switching(a: Timed, b: Timed, prices: SwitchingPrices): Switching | undefined {
  const isCloud = ({ subject }: Timed) => subject.kind === 'rekognition'
  if (isCloud(a) === isCloud(b)) {
    return undefined
  }
  const [cloud, other] = isCloud(a) ? [a, b] : [b, a]
  const { decode, prepare, run, boxes } = other.speed.median
  const seconds = (decode + prepare + run + boxes) / 1000
  const gbSeconds = seconds * (LAMBDA_MB / 1024)
  const otherCost = 1000 * (gbSeconds * prices.lambdaGbSecond + prices.lambdaRequest)
  const rekognitionCost = 1000 * prices.rekognitionPicture
  return {
    rekognition: cloud.subject.name,
    other: other.subject.name,
    rekognitionLatency: cloud.speed.median.total,
    otherLatency: other.speed.median.total,
    rekognitionCost,
    otherCost,
    saves: 1 - otherCost / rekognitionCost,
    memoryMb: LAMBDA_MB,
  }
}

const dollars = (value: number): string => `$${value < 0.1 ? value.toPrecision(2) : value.toFixed(2)}`

/** Two sentences for a person. */
export function switchingText(found: Switching): string {
  const {
    rekognition,
    other,
    rekognitionLatency,
    otherLatency,
    rekognitionCost,
    otherCost,
    saves,
    memoryMb,
  } = found
  const kept =
    Math.abs(saves) < 0.0005
      ? 'changes nothing'
      : saves > 0
        ? `saves ${(saves * 100).toFixed(1)} %`
        : `costs ${(-saves * 100).toFixed(1)} % more`
  const million = dollars(Math.abs(rekognitionCost - otherCost) * 1000)
  return [
    `A thousand pictures cost ${dollars(rekognitionCost)} with ${rekognition} and ${dollars(otherCost)} with ${other} on Lambda (arm64, ${memoryMb} MB, the time measured here): switching ${kept}, ${million} for a million pictures.`,
    `An answer takes ${rekognitionLatency.toFixed(0)} ms with ${rekognition} and ${otherLatency.toFixed(0)} ms with ${other} (medians).`,
  ].join('\n')
}
