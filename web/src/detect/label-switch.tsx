import { LABEL_MODES, type LabelMode } from './boxes.tsx'

const SAYS: Record<LabelMode, string> = { all: 'shown', hover: 'on hover', off: 'off' }

/** Whether labels stand on the picture. */
export function LabelSwitch({ mode, onMode }: { mode: LabelMode; onMode(mode: LabelMode): void }) {
  return (
    <label class="label-switch">
      Labels
      <select value={mode} onChange={(event) => onMode(event.currentTarget.value as LabelMode)}>
        {LABEL_MODES.map((name) => (
          <option key={name} value={name}>
            {SAYS[name]}
          </option>
        ))}
      </select>
    </label>
  )
}
