import { useEffect, useRef, useState } from 'preact/hooks'

interface Props {
  onPicture(blob: Blob, name: string): void
  onClose(): void
}

/** The camera of the device; one still goes to the service when the person says so. */
export function Camera({ onPicture, onClose }: Props) {
  const video = useRef<HTMLVideoElement>(null)
  const [problem, setProblem] = useState<string>()
  useEffect(() => {
    let stream: MediaStream | undefined
    let closed = false
    open().then(
      (opened) => {
        stream = opened
        if (closed) {
          stopAll(opened)
        } else if (video.current !== null) {
          video.current.srcObject = opened
        }
      },
      () => setProblem('The camera cannot be used. Allow it for this page, or choose a picture instead.'),
    )
    return () => {
      closed = true
      if (stream !== undefined) {
        stopAll(stream)
      }
    }
  }, [])

  const shoot = () => {
    const from = video.current
    if (from === null || from.videoWidth === 0) {
      return
    }
    const canvas = document.createElement('canvas')
    canvas.width = from.videoWidth
    canvas.height = from.videoHeight
    canvas.getContext('2d')?.drawImage(from, 0, 0)
    canvas.toBlob((blob) => blob && onPicture(blob, 'camera.jpg'), 'image/jpeg', 0.92)
    onClose()
  }
  return (
    <div class="stage camera">
      {problem === undefined ? (
        <video ref={video} autoPlay playsInline muted aria-label="Camera" />
      ) : (
        <p class="trouble" role="alert">
          {problem}
        </p>
      )}
      <div class="camera-buttons">
        {problem === undefined && (
          <button type="button" class="main" onClick={shoot}>
            Take the picture
          </button>
        )}
        <button type="button" onClick={onClose}>
          Close the camera
        </button>
      </div>
    </div>
  )
}

function open(): Promise<MediaStream> {
  // Absent where the page is neither local nor encrypted.
  if (navigator.mediaDevices === undefined) {
    return Promise.reject(new Error('no camera'))
  }
  return navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false })
}

const stopAll = (stream: MediaStream): void => {
  for (const track of stream.getTracks()) {
    track.stop()
  }
}
