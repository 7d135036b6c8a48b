import type { Template } from './cloudformation.ts'
import { dataOutputs, dataResources } from './data-part.ts'
import { apiResources, endpointOutputs, urlResources } from './endpoint-part.ts'
import { functionResources } from './function-part.ts'
import { CONDITIONS, PARAMETERS, RULES } from './parameters.ts'
import { alarmResources, dashboardResources } from './watch-part.ts'

/**
 * The whole stack as one CloudFormation template. Everything that people choose is a parameter, so the same
 * text serves every deployment; only the name of the version follows the package.
 *
 * @param codeHash hash of the package, hexadecimal; a new one publishes a new version
 */
export function buildTemplate(codeHash = ''): Template {
  const versionId = `Version${codeHash.slice(0, 12)}`
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'Boxlet: object detection behind an HTTPS endpoint that costs nothing while idle.',
    Parameters: PARAMETERS,
    Rules: RULES,
    Conditions: CONDITIONS,
    Resources: {
      ...functionResources(versionId),
      ...urlResources,
      ...apiResources,
      ...dataResources,
      ...alarmResources,
      ...dashboardResources,
    },
    Outputs: { ...endpointOutputs, ...dataOutputs },
  }
}
