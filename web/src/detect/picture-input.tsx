import { useRef, useState } from 'preact/hooks'
import cat from '../../../examples/pictures/chelsea.png?url'
import coffee from '../../../examples/pictures/coffee.png?url'
import { addressOf, type Incoming, picturesOf } from './incoming.ts'

interface Props {
  onIncoming(incoming: Incoming[] | string): void
  onCamera(): void
  /** True until there is a picture: the area is where one goes. */
  empty: boolean
}

const SAMPLES = [
  ['cat', cat],
  ['coffee', coffee],
] as const

/** All ways in that are buttons: a file or several, the camera, an address, and two samples. */
export function PictureInput({ onIncoming, onCamera, empty }: Props) {
  const input = useRef<HTMLInputElement>(null)
  const [address, setAddress] = useState('')
  const open = () => input.current?.click()
  const sample = async (url: string, name: string) =>
    onIncoming([{ source: await (await fetch(url)).blob(), name: `${name}.png` }])
  return (
    <>
      {empty && (
        <button type="button" class="stage empty" onClick={open}>
          <svg class="drop-icon" viewBox="0 0 48 48" width="48" height="48" aria-hidden="true">
            <rect x="5" y="9" width="38" height="30" rx="4" />
            <circle cx="16" cy="19" r="3.5" />
            <path d="m8 35 11-11 7 7 6-6 9 9" />
          </svg>
          <b class="drop-title">Drop pictures here</b>
          <span>or click for a file; paste a picture or an address anywhere</span>
        </button>
      )}
      <div class="inputs">
        <button type="button" class="main" onClick={open}>
          Choose a picture
        </button>
        <input
          ref={input}
          type="file"
          accept="image/*"
          multiple
          class="unseen"
          tabIndex={-1}
          aria-label="Picture file"
          onChange={(event) => {
            const files = [...(event.currentTarget.files ?? [])]
            event.currentTarget.value = ''
            if (files.length > 0) {
              const pictures = picturesOf(files)
              onIncoming(pictures.length > 0 ? pictures : `${files[0]?.name} is not a picture.`)
            }
          }}
        />
        <button type="button" onClick={onCamera}>
          Camera
        </button>
        {SAMPLES.map(([name, url]) => (
          <button key={name} type="button" onClick={() => void sample(url, name)}>
            Sample: {name}
          </button>
        ))}
        <form
          class="address"
          onSubmit={(event) => {
            event.preventDefault()
            onIncoming(addressOf(address) ?? 'An address begins with https://')
          }}
        >
          <input
            type="url"
            value={address}
            placeholder="https://… address of a picture"
            aria-label="Address of a picture"
            onInput={(event) => setAddress(event.currentTarget.value)}
          />
          <button type="submit">Fetch</button>
        </form>
      </div>
    </>
  )
}
