import { all, any, equals, filled, named, not, type Rule, ref, type Value } from './cloudformation.ts'

export const CONDITIONS: Record<string, Value> = {
  HasLayer: filled('LayerKey'),
  HasModelLocation: filled('ModelLocation'),
  UsesKeys: equals(ref('Auth'), 'keys'),
  HasKeysParameter: filled('KeysParameter'),
  HasKeysSecret: filled('KeysSecretArn'),
  Streams: equals(ref('Streaming'), 'true'),
  HasHttpApi: equals(ref('HttpApi'), 'true'),
  HasPictures: filled('PictureArns'),
  HasData: filled('DataBucketName'),
  MakesBucket: all(named('HasData'), equals(ref('CreateDataBucket'), 'true')),
  TakesBucket: all(named('HasData'), equals(ref('CreateDataBucket'), 'false')),
  IsWatched: equals(ref('Watch'), 'full'),
  DataIsWatched: all(named('HasData'), named('IsWatched')),
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
}

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
  VpcNeedsBoth: rule(
    any(filled('SubnetIds'), filled('SecurityGroupIds')),
    all(filled('SubnetIds'), filled('SecurityGroupIds')),
    'A VPC needs SubnetIds and SecurityGroupIds.',
  ),
}
