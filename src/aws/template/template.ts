import { alarmResources } from './alarms-part.ts'
import type { Template } from './cloudformation.ts'
import { CONDITIONS, RULES } from './conditions.ts'
import { dashboardResources } from './dashboard-part.ts'
import { apiResources, endpointOutputs, urlResources } from './endpoint-part.ts'
import { functionResources } from './function-part.ts'
import { PARAMETERS } from './parameters.ts'
import { SOURCES } from './sources/sources.ts'

/**
 * The whole stack as one CloudFormation template. Everything that people choose is a parameter, so the same
 * text serves every deployment; only the version follows the package.
 *
 * @param codeHash hash of the package, hexadecimal; a new one publishes a new version
 */
export function buildTemplate(codeHash = ''): Template {
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description:
      'Boxlet: object detection behind an HTTPS endpoint that no compute is billed for while idle.',
    Parameters: PARAMETERS,
    Rules: RULES,
    Conditions: CONDITIONS,
    Resources: {
      ...functionResources(codeHash.slice(0, 12)),
      ...urlResources,
      ...apiResources,
      ...alarmResources,
      ...Object.assign({}, ...SOURCES.map(({ resources }) => resources)),
      ...dashboardResources,
    },
    Outputs: { ...endpointOutputs, ...Object.assign({}, ...SOURCES.map(({ outputs }) => outputs)) },
  }
}
