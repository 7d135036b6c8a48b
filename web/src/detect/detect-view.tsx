import { useCallback, useState } from 'preact/hooks'
import type { ApiError, ModelEntry, Options, Result } from '../api.ts'
import { Trouble } from '../trouble.tsx'
import type { LabelMode } from './boxes.tsx'
import { Camera } from './camera.tsx'
import { classesBut } from './classes.ts'
import { Downloads } from './downloads.tsx'
import { Filters } from './filters.tsx'
import { type Incoming, useIncoming } from './incoming.ts'
import { LabelSwitch } from './label-switch.tsx'
import { OptionPanel } from './option-panel.tsx'
import { PictureInput } from './picture-input.tsx'
import { ResultTabs } from './result-tabs.tsx'
import { Stage } from './stage.tsx'
import { Strip } from './strip.tsx'
import { summary } from './summary.ts'
import { TimingBar } from './timing-bar.tsx'
import { useAnswers } from './use-answers.ts'
import { useModel } from './use-model.ts'
import { usePictures } from './use-pictures.ts'
import { useShown } from './use-shown.ts'

interface Props {
  models: readonly ModelEntry[]
  name: string | undefined
  /** A second model beside it. */
  other: string | undefined
  /** Counts up when a key was given or the service came back. */
  attempt: number
  onAgain(): void
}

const NONE: ReadonlySet<string> = new Set()

/** Pictures in, boxes out: one model, or two on the same picture. */
export function DetectView({ models, name, other, attempt, onAgain }: Props) {
  const [options, setOptions] = useState<Options>({})
  const one = useModel(name, options, attempt)
  const two = useModel(other, options, attempt)
  const pictures = usePictures(name)
  const { list, current } = pictures
  const answers = useAnswers(list, current, one.request)
  const others = useAnswers(list, current, two.request)
  const [hidden, setHidden] = useState(NONE)
  const [labels, setLabels] = useState<LabelMode>('all')
  const [pointed, setPointed] = useState<number>()
  const [pinned, setPinned] = useState<number>()
  const [camera, setCamera] = useState(false)
  const [live, setLive] = useState<Result>()
  const [notice, setNotice] = useState<string>()
  const [problem, setProblem] = useState<ApiError>()

  const answer = answers.of(current)
  const result = camera ? live : answer?.result
  const visible = useShown(result, one.threshold, hidden)
  const second = useShown(others.of(current)?.result, two.threshold, hidden)
  const active = pointed ?? pinned
  const isCompared = other !== undefined && !camera

  const take = useCallback(
    (incoming: Incoming[] | string) => {
      setProblem(undefined)
      setPinned(undefined)
      setNotice(typeof incoming === 'string' ? incoming : undefined)
      if (typeof incoming !== 'string') {
        setCamera(false)
        pictures.add(incoming)
      }
    },
    [pictures.add],
  )
  useIncoming(take)
  const pin = useCallback(
    (index: number) => setPinned((before) => (before === index ? undefined : index)),
    [],
  )
  const again = () => {
    setProblem(undefined)
    answers.again()
    others.again()
    onAgain()
  }
  const trouble = problem ?? one.problem ?? two.problem
  const classes = classesBut(hidden, result?.detections ?? [], one.model?.contract.labels ?? [])
  const stage = (from: typeof answers, entry: typeof visible, of: { title?: string; isSecond?: boolean }) =>
    current && (
      <Stage
        picture={current}
        result={from.of(current)?.result}
        error={from.of(current)?.error}
        shown={entry.shown}
        active={of.isSecond ? undefined : active}
        labels={labels}
        busy={from.busy}
        title={of.title}
        onActive={of.isSecond ? ignore : setPointed}
        onPin={of.isSecond ? ignore : pin}
        onUnshowable={() => pictures.redraw(current)}
        onAgain={again}
      />
    )

  return (
    <>
      <section class="look" aria-label="Picture">
        {camera && (
          <Camera
            request={one.request}
            shown={visible.shown}
            result={live}
            active={active}
            labels={labels}
            onActive={setPointed}
            onResult={setLive}
            onPicture={(blob) => take([{ source: blob, name: 'camera.jpg' }])}
            onClose={() => setCamera(false)}
          />
        )}
        {!camera && (
          <div class={isCompared ? 'sides' : undefined}>
            {stage(answers, visible, isCompared ? { title: name ?? '' } : {})}
            {isCompared && stage(others, second, { title: other, isSecond: true })}
          </div>
        )}
        {!camera && <Strip pictures={pictures} answers={answers} threshold={one.threshold} />}
        {notice !== undefined && <Trouble error={{ message: notice, hint: undefined }} />}
        {trouble !== undefined && trouble.status !== 401 && <Trouble error={trouble} onAgain={again} />}
        <div class="bar-below">
          <p class="status" role="status">
            {!camera && answers.busy
              ? 'Looking…'
              : result &&
                summary(
                  visible.shown.map(({ detection }) => detection.label),
                  visible.hiddenCount,
                )}
          </p>
          {result && <LabelSwitch mode={labels} onMode={setLabels} />}
          {!camera && current && answer?.result && (
            <Downloads
              picture={current}
              result={answer.result}
              request={{ model: answer.model, minScore: one.threshold, ...options, classes }}
              onProblem={setProblem}
            />
          )}
        </div>
        <PictureInput
          onIncoming={take}
          onCamera={() => {
            setLive(undefined)
            setPinned(undefined)
            setCamera(true)
          }}
          empty={current === undefined && !camera}
        />
        {result && <TimingBar result={result} />}
      </section>
      <section class="facts" aria-label="Result">
        <Filters
          detections={
            isCompared
              ? [...(result?.detections ?? []), ...(others.of(current)?.result?.detections ?? [])]
              : (result?.detections ?? [])
          }
          thresholds={[
            { name: name ?? '', value: one.threshold, set: one.setThreshold },
            ...(isCompared ? [{ name: other, value: two.threshold, set: two.setThreshold }] : []),
          ]}
          hidden={hidden}
          onHidden={setHidden}
        />
        <OptionPanel model={one.model} options={options} onOptions={setOptions} />
        <ResultTabs
          visible={visible}
          result={result}
          model={one.model}
          active={active}
          pinned={pinned}
          onActive={setPointed}
          onPin={pin}
          onShowAll={() => setHidden(NONE)}
          code={{
            model: name ?? '',
            isDefault: models.find((entry) => entry.name === name)?.default ?? false,
            threshold: one.threshold,
            options,
            classes,
          }}
        />
      </section>
    </>
  )
}

const ignore = () => {}
