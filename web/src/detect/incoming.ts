import { useEffect } from 'preact/hooks'
import type { Source } from '../api.ts'

export interface Incoming {
  source: Source
  name: string
}

/** What was dropped or pasted: its pictures, else its address, else a sentence that says why there is nothing. */
function incomingOf(data: DataTransfer | null): Incoming[] | string {
  const files = [...(data?.files ?? [])]
  const pictures = picturesOf(files)
  if (pictures.length > 0) {
    return pictures
  }
  if (files.length > 0) {
    return files.length === 1 ? `${files[0]?.name} is not a picture.` : 'None of these files is a picture.'
  }
  const text =
    (data?.getData('text/uri-list') || data?.getData('text/plain') || '').trim().split('\n')[0] ?? ''
  return addressOf(text) ?? 'There is no picture in this, and no address of one.'
}

export const picturesOf = (files: readonly File[]): Incoming[] =>
  files
    .filter(({ type }) => type === '' || type.startsWith('image/'))
    .map((file) => ({ source: file, name: file.name || 'pasted' }))

/** A picture that the service fetches. */
export function addressOf(text: string): Incoming[] | undefined {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined
  return url?.protocol === 'https:' || url?.protocol === 'http:'
    ? [{ source: { url: url.href }, name: url.pathname.split('/').at(-1) || url.hostname }]
    : undefined
}

/** Takes pictures and addresses that are dropped anywhere on the page or pasted into it. */
export function useIncoming(onIncoming: (incoming: Incoming[] | string) => void): void {
  useEffect(() => {
    const off = new AbortController()
    const { signal } = off
    const leave = () => document.body.classList.remove('dragging')
    document.addEventListener(
      'paste',
      (event) => {
        // Text that is typed into a field stays there.
        const isField =
          event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement
        if (!isField || (event.clipboardData?.files.length ?? 0) > 0) {
          onIncoming(incomingOf(event.clipboardData))
        }
      },
      { signal },
    )
    document.addEventListener(
      'dragover',
      (event) => {
        event.preventDefault()
        document.body.classList.add('dragging')
      },
      { signal },
    )
    document.addEventListener('dragleave', leave, { signal })
    document.addEventListener(
      'drop',
      (event) => {
        event.preventDefault()
        leave()
        onIncoming(incomingOf(event.dataTransfer))
      },
      { signal },
    )
    return () => off.abort()
  }, [onIncoming])
}
