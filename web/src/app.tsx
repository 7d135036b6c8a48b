import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type ApiError, asApiError, hasKey, listModels, type ModelEntry, useKey } from './api.ts'
import { DetectView } from './detect/detect-view.tsx'
import { Header } from './header.tsx'
import { KeyForm } from './key-form.tsx'
import { Trouble } from './trouble.tsx'
import { useView } from './use-view.ts'

export function App() {
  const { view, go } = useView()
  const [models, setModels] = useState<ModelEntry[]>([])
  const [name, setName] = useState<string>()
  const [other, setOther] = useState<string>()
  const [problem, setProblem] = useState<ApiError>()
  const [attempt, setAttempt] = useState(0)
  const again = () => setAttempt((before) => before + 1)

  useEffect(() => {
    listModels().then(
      (list) => {
        setModels(list)
        setName((before) => before ?? (list.find((entry) => entry.default) ?? list[0])?.name)
        setProblem(undefined)
      },
      (failure) => setProblem(asApiError(failure)),
    )
  }, [attempt])

  return (
    <>
      <Header
        view={view}
        onView={go}
        models={models}
        name={name}
        onModel={(to) => {
          setName(to)
          setOther((before) => (before === to ? undefined : before))
        }}
        other={other}
        onOther={setOther}
      />
      {problem !== undefined && (
        <div class="outer">
          {problem.status === 401 ? (
            <KeyForm
              isWrong={hasKey()}
              onKey={(key) => {
                useKey(key)
                again()
              }}
            />
          ) : (
            <Trouble error={problem} onAgain={again} />
          )}
        </div>
      )}
      {/* Kept while another view is looked at: the pictures in it are nowhere else. */}
      <main class="detect" hidden={view !== 'detect'}>
        <DetectView models={models} name={name} other={other} attempt={attempt} onAgain={again} />
      </main>
      {view === 'gallery' && <OnDemand load={gallery} attempt={attempt} />}
      {view === 'docs' && <OnDemand load={docs} attempt={attempt} />}
    </>
  )
}

interface ViewProps {
  /** Counts up when a key was given: what was refused is asked again. */
  attempt: number
}

const gallery = async () => (await import('./gallery/gallery-view.tsx')).GalleryView
const docs = async () => (await import('./docs/docs-view.tsx')).DocsView

/** A view whose code comes when it is looked at: the first picture waits for none of it. */
function OnDemand({ load, attempt }: { load(): Promise<ComponentType<ViewProps>> } & ViewProps) {
  const [view, setView] = useState<{ Loaded: ComponentType<ViewProps> }>()
  const [error, setError] = useState<ApiError>()
  useEffect(() => {
    load().then(
      (Loaded) => setView({ Loaded }),
      (problem) => setError(asApiError(problem)),
    )
  }, [load])
  return (
    <main>
      {error && <Trouble error={error} />}
      {view && <view.Loaded attempt={attempt} />}
    </main>
  )
}
