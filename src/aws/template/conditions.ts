import {
  all,
  any,
  contains,
  equals,
  filled,
  named,
  not,
  type Rule,
  ref,
  type Value,
} from './cloudformation.ts'
import { SOURCES } from './sources/sources.ts'

export const CONDITIONS: Record<string, Value> = {
  HasLayer: filled('LayerKey'),
  HasModelLocation: filled('ModelLocation'),
  UsesKeys: equals(ref('Auth'), 'keys'),
  HasKeysParameter: filled('KeysParameter'),
  HasKeysSecret: filled('KeysSecretArn'),
  HasUrl: equals(ref('Front'), 'url'),
  HasHttpApi: equals(ref('Front'), 'http-api'),
  // API Gateway takes answers whole.
  Streams: all(named('HasUrl'), equals(ref('Streaming'), 'true')),
  LogsApi: all(named('HasHttpApi'), equals(ref('ApiLogs'), 'true')),
  HasBasePath: filled('BasePath'),
  HasPictures: filled('PictureArns'),
  IsWatched: equals(ref('Watch'), 'full'),
  HasTopic: filled('AlarmTopicArn'),
  HasReserved: not(equals(ref('ReservedConcurrency'), -1)),
  HasProvisioned: not(equals(ref('ProvisionedConcurrency'), 0)),
  HasKmsKey: filled('KmsKeyArn'),
  HasParameterAndKey: all(named('HasKeysParameter'), named('HasKmsKey')),
  HasSecretAndKey: all(named('HasKeysSecret'), named('HasKmsKey')),
  HasVpc: all(filled('SubnetIds'), filled('SecurityGroupIds')),
  Traces: equals(ref('Tracing'), 'Active'),
  HasCors: filled('CorsOrigins'),
  ApiHasCors: all(named('HasHttpApi'), named('HasCors')),
  ...Object.assign({}, ...SOURCES.map(({ conditions }) => conditions)),
}

/** Seconds that API Gateway waits for a function. Source: "Quotas for configuring and running an HTTP API". */
const MAX_API_SECONDS = 30
/** Rules compare texts only, so every time that fits is named. */
const API_SECONDS = Array.from({ length: MAX_API_SECONDS }, (_, i) => String(i + 1))

const rule = (RuleCondition: Value, Assert: Value, AssertDescription: string): Rule => ({
  RuleCondition,
  Assertions: [{ Assert, AssertDescription }],
})

/**
 * Refuses a stack that would answer nobody, or that could not start. Rules may use only `Ref` and the functions
 * for rules; conditions and other functions are unknown to them.
 */
export const RULES: Record<string, Rule> = {
  KeysNeedAStore: rule(
    equals(ref('Auth'), 'keys'),
    any(filled('KeysParameter'), filled('KeysSecretArn')),
    'Auth "keys" needs KeysParameter or KeysSecretArn.',
  ),
  VpcNeedsWholeAnswers: rule(
    all(filled('SubnetIds'), equals(ref('Front'), 'url')),
    equals(ref('Streaming'), 'false'),
    'A function URL does not stream from within a VPC: SubnetIds need Streaming "false".',
  ),
  ApiNeedsShortTimeout: rule(
    equals(ref('Front'), 'http-api'),
    contains(API_SECONDS, ref('Timeout')),
    `An HTTP API waits for at most ${MAX_API_SECONDS} seconds and answers 503 after them: Front "http-api" needs a Timeout of ${MAX_API_SECONDS} at most.`,
  ),
  VpcNeedsBoth: rule(
    any(filled('SubnetIds'), filled('SecurityGroupIds')),
    all(filled('SubnetIds'), filled('SecurityGroupIds')),
    'A VPC needs SubnetIds and SecurityGroupIds.',
  ),
  ...Object.assign({}, ...SOURCES.map(({ rules }) => rules)),
}
