import type { Template } from '../../src/aws/template/cloudformation.ts'
import { foldTemplate } from '../../src/aws/template/fold.ts'
import type { Chosen } from './templates-forms.ts'

/** Parameters and conditions that nothing refers to any more would be found as mistakes. */
function only(template: Template): Template {
  const text = JSON.stringify([template.Resources, template.Outputs])
  const used = Object.entries(template.Parameters).filter(
    ([name]) => text.includes(`{"Ref":"${name}"}`) || text.includes(`\${${name}}`),
  )
  const { Conditions: _decided, Rules: _checked, ...rest } = template
  return { ...rest, Parameters: Object.fromEntries(used) } as Template
}
/** The parts that a choice gives, with what it chooses as defaults, so that the linter sees the values. */
export function chosenOf(template: Template, chosen: Chosen): Template {
  const folded = only(foldTemplate(template, chosen))
  const Parameters = Object.fromEntries(
    Object.entries(folded.Parameters).map(([name, parameter]) => [
      name,
      // The linter would try the least value too, which may mean "none".
      name in chosen ? { Type: parameter.Type, Description: '', Default: chosen[name] as string } : parameter,
    ]),
  )
  return { ...folded, Parameters }
}
