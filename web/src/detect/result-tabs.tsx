import type { ComponentProps } from 'preact'
import type { Model, Result } from '../api.ts'
import { Tabs } from '../tabs.tsx'
import { CodePanel } from './code-panel.tsx'
import { JsonPanel } from './json-panel.tsx'
import { ModelPanel } from './model-panel.tsx'
import { ObjectList } from './object-list.tsx'
import type { Visible } from './use-shown.ts'

interface Props {
  visible: Visible
  result: Result | undefined
  model: Model | undefined
  active: number | undefined
  pinned: number | undefined
  onActive(index: number | undefined): void
  onPin(index: number): void
  onShowAll(): void
  code: ComponentProps<typeof CodePanel>
}

/** The answer as a list, as it came, as code that asks for it, and the model that gave it. */
export function ResultTabs({ visible: { shown, hiddenCount }, result, model, code, ...list }: Props) {
  return (
    <Tabs
      tabs={[
        {
          id: 'objects',
          title: `Objects (${shown.length})`,
          content: () => (
            <ObjectList {...list} shown={shown} hiddenCount={hiddenCount} looked={result !== undefined} />
          ),
        },
        { id: 'json', title: 'JSON', content: () => <JsonPanel document={result?.document} /> },
        { id: 'code', title: 'Code', content: () => <CodePanel {...code} /> },
        { id: 'model', title: 'Model', content: () => <ModelPanel model={model} /> },
      ]}
    />
  )
}
