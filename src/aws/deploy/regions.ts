/**
 * Regions without function URLs. Sources: Lambda developer guide, "Creating and managing Lambda function URLs", and
 * CloudFormation's resource specification, both as of 2026-11-30.
 */
const WITHOUT_FUNCTION_URLS = [
  'ap-east-2',
  'ap-south-2',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-6',
  'ap-southeast-7',
  'ca-west-1',
  'cn-northwest-1',
  'eu-central-2',
  'eu-south-2',
  'il-central-1',
  'me-central-1',
  'mx-central-1',
  'us-gov-east-1',
  'us-gov-west-1',
]

/** First part of an ARN after `arn`. */
export const partitionOf = (region: string): string =>
  region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'

export const hasFunctionUrls = (region: string): boolean => !WITHOUT_FUNCTION_URLS.includes(region)
