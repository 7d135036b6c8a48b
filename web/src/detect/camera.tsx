import { useEffect, useRef, useState } from 'preact/hooks'
import type { Result, Shown } from '../api.ts'
import { Boxes, type LabelMode } from './boxes.tsx'
import { still } from './still.ts'
import type { Request } from './use-answers.ts'
import { useLive } from './use-live.ts'

interface Props {
  request: Request | undefined
  shown: readonly Shown[]
  result: Result | undefined
  active: number | undefined
  labels: LabelMode
  onActive(index: number | undefined): void
  onResult(result: Result | undefined): void
  onPicture(blob: Blob): void
  onClose(): void
}

/** The camera of the device with boxes on it, one picture after the other; or one still when the person says so. */
export function Camera(props: Props) {
  const video = useRef<HTMLVideoElement>(null)
  const [problem, setProblem] = useState<string>()
  const [running, setRunning] = useState(true)
  useCamera(video, setProblem)
  const live = useLive(video, running && problem === undefined ? props.request : undefined, props.onResult)

  const shoot = async () => {
    const blob = video.current && (await still(video.current))
    if (blob != null) {
      props.onPicture(blob)
    }
  }
  const trouble = problem ?? live.problem
  return (
    <div class="stage camera">
      {trouble !== undefined && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
      {problem === undefined && (
        <div class="sheet">
          <video ref={video} autoPlay playsInline muted aria-label="Camera" />
          {props.result !== undefined && (
            <Boxes
              size={props.result}
              shown={props.shown}
              active={props.active}
              labels={props.labels}
              onActive={props.onActive}
            />
          )}
        </div>
      )}
      <div class="camera-buttons">
        {problem === undefined && (
          <>
            <button type="button" class="main" onClick={() => void shoot()}>
              Take the picture
            </button>
            <button type="button" aria-pressed={!running} onClick={() => setRunning(!running)}>
              {running ? 'Pause' : 'Go on'}
            </button>
          </>
        )}
        <button type="button" onClick={props.onClose}>
          Close the camera
        </button>
        {running && problem === undefined && (
          <output class="rate" aria-label="Pictures per second">
            {live.rate === undefined ? '…' : `${live.rate.toFixed(1)} pictures/s`}
          </output>
        )}
      </div>
    </div>
  )
}

function useCamera(video: { current: HTMLVideoElement | null }, setProblem: (problem: string) => void): void {
  useEffect(() => {
    let stream: MediaStream | undefined
    let isClosed = false
    open().then(
      (opened) => {
        stream = opened
        if (isClosed) {
          stopAll(opened)
        } else if (video.current !== null) {
          video.current.srcObject = opened
        }
      },
      () => setProblem('The camera cannot be used. Allow it for this page, or choose a picture instead.'),
    )
    return () => {
      isClosed = true
      if (stream !== undefined) {
        stopAll(stream)
      }
    }
  }, [])
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
