import { useEffect, useMemo, useState } from 'preact/hooks'
import { type ApiError, getModel, listModels, type Model, type ModelEntry, useKey } from './api.ts'
import { Camera } from './camera.tsx'
import { classesBut } from './classes.ts'
import { CodePanel } from './code-panel.tsx'
import { Filters } from './filters.tsx'
import { Header } from './header.tsx'
import { JsonPanel } from './json-panel.tsx'
import { KeyForm } from './key-form.tsx'
import { ModelPanel } from './model-panel.tsx'
import { ObjectList } from './object-list.tsx'
import { PictureInput } from './picture-input.tsx'
import { Stage } from './stage.tsx'
import { summary } from './summary.ts'
import { Tabs } from './tabs.tsx'
import { TimingBar } from './timing-bar.tsx'
import { useDetection } from './use-detection.ts'

export function App() {
  const [models, setModels] = useState<ModelEntry[]>([])
  const [name, setName] = useState<string>()
  const [model, setModel] = useState<Model>()
  const [problem, setProblem] = useState<ApiError>()
  const [threshold, setThreshold] = useState(0.25)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [active, setActive] = useState<number>()
  const [camera, setCamera] = useState(false)
  const detecting = useDetection(name, threshold)
  const { picture, result, error, busy, take } = detecting

  const start = async () => {
    try {
      const list = await listModels()
      setModels(list)
      setName((list.find((entry) => entry.default) ?? list[0])?.name)
      setProblem(undefined)
    } catch (failure) {
      setProblem(failure as ApiError)
    }
  }
  useEffect(() => void start(), [])
  useEffect(() => {
    if (name === undefined) {
      return
    }
    getModel(name).then((loaded) => {
      setModel(loaded)
      setThreshold(loaded.contract.thresholds.score)
      setHidden(new Set())
    }, setProblem)
  }, [name])

  const shown = useMemo(
    () =>
      (result?.detections ?? [])
        .map((detection, index) => ({ detection, index }))
        .filter(({ detection }) => detection.score >= threshold && !hidden.has(detection.label)),
    [result, threshold, hidden],
  )
  const trouble = error ?? problem
  const giveKey = (key: string) => {
    useKey(key)
    void start()
    detecting.again()
  }

  return (
    <>
      <Header models={models} name={name} onModel={setName} />
      <main>
        <section class="look" aria-label="Picture">
          {trouble?.status === 401 && <KeyForm onKey={giveKey} />}
          {camera ? (
            <Camera onPicture={take} onClose={() => setCamera(false)} />
          ) : (
            <Stage
              picture={picture}
              result={result}
              shown={shown}
              active={active}
              busy={busy}
              onActive={setActive}
              onUnshowable={detecting.redraw}
            />
          )}
          <PictureInput onPicture={take} onCamera={() => setCamera(true)} empty={picture === undefined} />
          {trouble !== undefined && trouble.status !== 401 && (
            <p class="trouble" role="alert">
              {trouble.message} {trouble.hint}
            </p>
          )}
          <p class="status" role="status">
            {busy ? 'Looking…' : result && summary(shown.map(({ detection }) => detection.label))}
          </p>
          {result && <TimingBar result={result} />}
        </section>
        <section class="facts" aria-label="Result">
          <Filters
            detections={result?.detections ?? []}
            threshold={threshold}
            hidden={hidden}
            onThreshold={setThreshold}
            onHidden={setHidden}
          />
          <Tabs
            tabs={[
              {
                id: 'objects',
                title: `Objects (${shown.length})`,
                content: (
                  <ObjectList
                    shown={shown}
                    active={active}
                    onActive={setActive}
                    looked={result !== undefined}
                  />
                ),
              },
              { id: 'json', title: 'JSON', content: <JsonPanel document={result?.document} /> },
              {
                id: 'code',
                title: 'Code',
                content: (
                  <CodePanel
                    model={name ?? ''}
                    threshold={threshold}
                    classes={classesBut(hidden, result?.detections ?? [], model?.contract.labels ?? [])}
                  />
                ),
              },
              { id: 'model', title: 'Model', content: <ModelPanel model={model} /> },
            ]}
          />
        </section>
      </main>
    </>
  )
}
