import { att, list, type Resource, ref, sub, type Value, when } from './cloudformation.ts'
import { logGroup } from './function-part.ts'

const authType = when('UsesKeys', 'NONE', 'AWS_IAM')
/**
 * The front answers for other origins, and the function does not: Lambda adds these headers to those of the function,
 * and browsers refuse an answer that names its origin twice.
 */
const cors = when('HasCors', {
  AllowOrigins: list('CorsOrigins'),
  AllowMethods: ['GET', 'POST'],
  // The last ones are those of AWS's signature and of its SDK in a page.
  AllowHeaders: [
    'authorization',
    'content-type',
    'x-api-key',
    'x-request-id',
    'x-amz-content-sha256',
    'x-amz-date',
    'x-amz-security-token',
    'x-amz-target',
    'x-amz-user-agent',
    'amz-sdk-invocation-id',
    'amz-sdk-request',
  ],
  ExposeHeaders: ['x-request-id', 'server-timing', 'retry-after'],
  MaxAge: 600,
})
/** With keys the function itself checks callers; with IAM only those of this account can be permitted at all. */
const principal = when('UsesKeys', '*', ref('AWS::AccountId'))

/**
 * The function URL and the two permissions that it needs: one to use the URL and, since October 2025, one to
 * invoke the function through it. With either one missing every call is answered with 403.
 */
export const urlResources: Record<string, Resource> = {
  Url: {
    Type: 'AWS::Lambda::Url',
    Condition: 'HasUrl',
    DependsOn: ['Alias'],
    Properties: {
      TargetFunctionArn: ref('Function'),
      Qualifier: 'live',
      AuthType: authType,
      InvokeMode: when('Streams', 'RESPONSE_STREAM', 'BUFFERED'),
      Cors: cors,
    },
  },
  UrlPermission: {
    Type: 'AWS::Lambda::Permission',
    Condition: 'HasUrl',
    Properties: {
      FunctionName: ref('Alias'),
      Action: 'lambda:InvokeFunctionUrl',
      Principal: principal,
      FunctionUrlAuthType: authType,
    },
  },
  UrlInvokePermission: {
    Type: 'AWS::Lambda::Permission',
    Condition: 'HasUrl',
    Properties: {
      FunctionName: ref('Alias'),
      Action: 'lambda:InvokeFunction',
      Principal: principal,
      InvokedViaFunctionUrl: true,
    },
  },
}

/** What API Gateway knows of a request, also of one that never reached the function. */
const API_LOG_LINE = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  caller: '$context.identity.userArn',
  route: '$context.routeKey',
  path: '$context.path',
  status: '$context.status',
  bytes: '$context.responseLength',
  latency: '$context.responseLatency',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
}

const integration = sub(`integrations/\${ApiIntegration}`)
/** The default route would take preflights too and ask them for a signature; a route for them goes before it. */
const preflight = (path: string): Resource => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Condition: 'ApiHasCors',
  Properties: {
    ApiId: ref('Api'),
    RouteKey: `OPTIONS ${path}`,
    AuthorizationType: 'NONE',
    Target: integration,
  },
})
const limits: Value = {
  ThrottlingRateLimit: ref('ApiRate'),
  ThrottlingBurstLimit: ref('ApiBurst'),
}

export const apiResources: Record<string, Resource> = {
  Api: {
    Type: 'AWS::ApiGatewayV2::Api',
    Condition: 'HasHttpApi',
    Properties: { Name: ref('AWS::StackName'), ProtocolType: 'HTTP', CorsConfiguration: cors },
  },
  ApiIntegration: {
    Type: 'AWS::ApiGatewayV2::Integration',
    Condition: 'HasHttpApi',
    Properties: {
      ApiId: ref('Api'),
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: ref('Alias'),
      PayloadFormatVersion: '2.0',
    },
  },
  ApiRoute: {
    Type: 'AWS::ApiGatewayV2::Route',
    Condition: 'HasHttpApi',
    Properties: {
      ApiId: ref('Api'),
      RouteKey: '$default',
      AuthorizationType: authType,
      Target: integration,
    },
  },
  ApiPreflight: preflight('/{proxy+}'),
  ApiRootPreflight: preflight('/'),
  ApiStage: {
    Type: 'AWS::ApiGatewayV2::Stage',
    Condition: 'HasHttpApi',
    Properties: {
      ApiId: ref('Api'),
      StageName: '$default',
      AutoDeploy: true,
      DefaultRouteSettings: limits,
      AccessLogSettings: when('LogsApi', {
        DestinationArn: att('ApiLogGroup', 'Arn'),
        Format: JSON.stringify(API_LOG_LINE),
      }),
    },
  },
  ApiLogGroup: {
    ...logGroup(sub(`/aws/vendedlogs/boxlet/\${AWS::StackName}`)),
    Condition: 'LogsApi',
  },
  ApiPermission: {
    Type: 'AWS::Lambda::Permission',
    Condition: 'HasHttpApi',
    Properties: {
      FunctionName: ref('Alias'),
      Action: 'lambda:InvokeFunction',
      Principal: 'apigateway.amazonaws.com',
      SourceArn: sub(`arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/*`),
    },
  },
}

export const endpointOutputs = {
  FunctionName: { Description: 'Name of the function.', Value: ref('Function') },
  FunctionArn: { Description: 'ARN of the live alias.', Value: ref('Alias') },
  Endpoint: {
    Description: 'HTTPS address of the service.',
    Condition: 'HasUrl',
    Value: att('Url', 'FunctionUrl'),
  },
  ApiEndpoint: {
    Description: 'Address of the HTTP API.',
    Condition: 'HasHttpApi',
    Value: sub(`https://\${Api}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/`),
  },
  LogGroupName: { Description: 'Where the logs are.', Value: ref('LogGroup') },
}
