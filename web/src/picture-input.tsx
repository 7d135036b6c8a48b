import { useEffect, useRef } from 'preact/hooks'
import cat from '../../examples/pictures/chelsea.png?url'
import coffee from '../../examples/pictures/coffee.png?url'

interface Props {
  onPicture(blob: Blob, name: string): void
  onCamera(): void
  /** True until there is a picture: samples are offered then. */
  empty: boolean
}

/** All ways in: pick, drop anywhere on the page, paste, camera, and two samples. */
export function PictureInput({ onPicture, onCamera, empty }: Props) {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const file = firstPicture(event.clipboardData)
      if (file !== undefined) {
        onPicture(file, file.name || 'pasted')
      }
    }
    const over = (event: DragEvent) => {
      event.preventDefault()
      document.body.classList.add('dragging')
    }
    const leave = () => document.body.classList.remove('dragging')
    const drop = (event: DragEvent) => {
      event.preventDefault()
      leave()
      const file = firstPicture(event.dataTransfer)
      if (file !== undefined) {
        onPicture(file, file.name)
      }
    }
    document.addEventListener('paste', paste)
    document.addEventListener('dragover', over)
    document.addEventListener('dragleave', leave)
    document.addEventListener('drop', drop)
    return () => {
      document.removeEventListener('paste', paste)
      document.removeEventListener('dragover', over)
      document.removeEventListener('dragleave', leave)
      document.removeEventListener('drop', drop)
    }
  }, [onPicture])

  const sample = async (url: string, name: string) => onPicture(await (await fetch(url)).blob(), name)
  return (
    <div class="inputs">
      <button type="button" class="main" onClick={() => input.current?.click()}>
        Choose a picture
      </button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        class="unseen"
        tabIndex={-1}
        aria-label="Picture file"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0]
          if (file !== undefined) {
            onPicture(file, file.name)
          }
          event.currentTarget.value = ''
        }}
      />
      <button type="button" onClick={onCamera}>
        Camera
      </button>
      {empty && (
        <>
          <button type="button" onClick={() => void sample(cat, 'cat.png')}>
            Sample: cat
          </button>
          <button type="button" onClick={() => void sample(coffee, 'coffee.png')}>
            Sample: coffee
          </button>
        </>
      )}
      <span class="hint">or drop one anywhere, or paste it</span>
    </div>
  )
}

function firstPicture(data: DataTransfer | null): File | undefined {
  return [...(data?.files ?? [])].find((file) => file.type === '' || file.type.startsWith('image/'))
}
