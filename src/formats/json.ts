import { type NativeImage, nativeFailed, nativeFound, nativeModel } from './native.ts'
import type { Outcome, ReportWriter } from './report-writer.ts'

/** One JSON document. Each picture is a whole line at once, so that it can be read while it grows. */
export function jsonWriter(): ReportWriter {
  let pictures = 0
  return {
    begin: (model) => `{"model":${JSON.stringify(nativeModel(model))},\n"images":[\n`,
    picture: (outcome) => `${pictures++ === 0 ? '' : ','}${JSON.stringify(nativeImage(outcome))}\n`,
    end: () => ']}\n',
  }
}

/** One JSON object a line and picture, with the name of the model in each. */
export function ndjsonWriter(): ReportWriter {
  let model = ''
  return {
    begin: (info) => {
      model = info.name
      return ''
    },
    picture: (outcome) => `${JSON.stringify({ model, ...nativeImage(outcome) })}\n`,
    end: () => '',
  }
}

function nativeImage(outcome: Outcome): NativeImage {
  if (outcome.error !== undefined) {
    return nativeFailed(outcome.source, outcome.error)
  }
  const found = nativeFound(outcome.source, outcome.result)
  return outcome.altText === undefined ? found : { ...found, altText: outcome.altText }
}
