import { useState } from 'preact/hooks'
import { type ApiError, asApiError, drawn, type Options, type Result } from '../api.ts'
import type { Picture } from './use-pictures.ts'

interface Props {
  picture: Picture
  result: Result
  request: Options & { model: string; minScore: number; classes: string | undefined }
  onProblem(problem: ApiError): void
}

/** The picture as the service draws it, with the boxes that are shown, and the answer as it came. */
export function Downloads({ picture, result, request, onProblem }: Props) {
  const [busy, setBusy] = useState(false)
  const stem = picture.name.replace(/\.\w+$/, '')
  const savePicture = async () => {
    setBusy(true)
    try {
      save(await drawn(picture.source, request), `${stem}.boxes.jpg`)
    } catch (problem) {
      onProblem(asApiError(problem))
    } finally {
      setBusy(false)
    }
  }
  const saveJson = () =>
    save(
      new Blob([JSON.stringify(result.document, undefined, 2)], { type: 'application/json' }),
      `${stem}.json`,
    )
  return (
    <>
      <button type="button" disabled={busy} onClick={() => void savePicture()}>
        Save picture
      </button>
      <button type="button" onClick={saveJson}>
        Save JSON
      </button>
    </>
  )
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
